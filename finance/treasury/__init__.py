"""Treasury: rounds, loans, taxes and interest on cash."""
