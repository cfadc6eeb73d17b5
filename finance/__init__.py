"""Money: the company, its months, its rounds. Takes compute from ``engine``.

Read in this order: ``company`` and ``scenario`` (the documents), ``operating`` (the months),
``ledger`` and ``statements`` (the books), ``indicators`` and ``outlook`` (what follows from them),
``store`` (where scenarios are kept). ``revenue``, ``costs`` and ``compute`` are what a company
sells, spends and computes with; ``capital`` who owns it, ``exits`` who gets what at its end.
"""
