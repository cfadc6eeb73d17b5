"""Parts of the pages: shared ones here, and the sections of each page in a folder of its name."""
