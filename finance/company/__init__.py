"""Company: its document, its monthly run, its monthly cash and its stored versions."""
