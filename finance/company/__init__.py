"""Company: its document, its monthly run and its monthly cash."""
