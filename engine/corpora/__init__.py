"""Text corpora: their sources and a run's choice of text; this package imports no torch."""
