"""Reading runs: their state, progress, logs and totals. Nothing here starts or changes a run."""
