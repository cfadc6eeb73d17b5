"""Finance: a company's monthly books, indicators, financing and cap table.

The costs of compute come from ``engine``. Suggested reading order: ``company.company`` and
``company.scenario`` (the documents), ``company.monthly_run`` (the computation of all months),
``books.ledger`` and ``books.statements`` (the double-entry books), ``metrics.indicators`` and
``metrics.projection`` (the results), ``scenarios.store`` (the database of scenarios).

The packages ``revenue``, ``costs`` and ``compute`` describe sales, spending and the supply of
compute. ``treasury`` holds rounds, loans and taxes, ``capital`` the cap table, and ``exits`` the
distribution of proceeds; ``funding`` combines the last two for founders and investors. ``demand``
and ``risk`` hold models of customers and closed forms, and ``numbers`` checks and ratios.
"""
