"""Known models: the catalog in ``data/models.csv`` and Hugging Face ``config.json`` files."""
