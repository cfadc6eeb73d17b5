"""Money from outside: rounds, loans, taxes, and interest on cash."""
