"""Start of a company: six short answers become a whole scenario, and every default has a source."""
