"""Revenue lines of a company and their monthly sales.

``lines`` has the documents, with ``adoption``, ``retention`` and ``prices`` as their parts.
``customers`` and ``sales`` compute the months, and ``invoicing`` posts them to the ledger.
"""
