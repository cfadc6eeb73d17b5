"""Groups of runs that answer one question: ladders, searches, compression, machine profiles."""
