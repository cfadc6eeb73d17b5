"""Text corpora: their sources, and the choice of what a run trains on. Imports no torch."""
