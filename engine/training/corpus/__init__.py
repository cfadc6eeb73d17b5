"""Preparation of text: cleaning, deduplication, tokenizer and token files."""
