"""Who owns what: instruments, rounds in a row, the cap table after each, all in exact fractions.

Read in this order: ``exact`` (numbers and their rounding), ``instruments`` and ``table`` (the
documents), ``pricing`` (one round as equations), ``events`` and ``history`` (many in a row),
``words`` (what decided, as a sentence), ``ocf_import`` and ``ocf_export`` (the cap table in the
Open Cap Table Format). ``interest``, ``conversion``, ``antidilution``, ``prorata`` and
``vesting`` hold the formulas that stand alone.
"""
