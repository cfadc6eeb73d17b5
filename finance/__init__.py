"""Money: the company, its months of cash, its round. Takes compute from ``engine``.

Read in this order: ``company`` and ``scenario`` (the documents), ``cashflow`` (the months),
``metrics``, ``store`` (where scenarios are kept).
"""
