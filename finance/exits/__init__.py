"""Payouts of a sale of the company, and the returns on the money invested.

Read in this order: ``claims`` (the stack), ``waterfall`` (payouts at one value), ``curves``
(payouts over all values), ``convertibles`` (SAFEs and notes that have not converted yet),
``returns`` and ``roots`` (multiples and rates of return), ``sale`` (all of it for a cap table).
"""
