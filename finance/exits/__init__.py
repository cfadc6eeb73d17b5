"""What a sale of the company pays to whom, and what that returns on the money put in.

Read in this order: ``claims`` (the stack), ``waterfall`` (payouts at one value), ``curves``
(payouts over all values), ``convertibles`` (SAFEs and notes that have not converted yet),
``returns`` and ``roots`` (multiples and rates of return), ``sale`` (all of it for a cap table).
"""
