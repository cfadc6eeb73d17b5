"""Open Cap Table Format: packages in and out."""
