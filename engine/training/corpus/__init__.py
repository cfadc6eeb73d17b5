"""From text to token files: cleaning, deduplication, tokenizer, shards."""
