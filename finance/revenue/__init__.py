"""What a company sells: documents of its lines, and what each sells month by month.

``lines`` are the documents; ``adoption``, ``retention`` and ``prices`` their parts; ``customers``
and ``sales`` work them out; ``invoicing`` posts them.
"""
