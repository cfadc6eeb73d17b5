"""The company: its document, its monthly run, its cash and its stored versions."""
