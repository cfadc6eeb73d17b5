"""The ledger of a company and its views: statements, periods, months, trials."""
