"""Charts of revenue and of tokens, and the ways to get compute."""
