"""Double-entry ledger of a company, its statements by period, and arrays over months and trials."""
