"""The cap table: instruments, rounds and the table after each event, all in exact fractions.

Read in this order: ``exact`` (numbers and their rounding), ``instruments`` and ``table`` (the
documents), ``pricing`` and ``rounding`` (the equations of one round), ``events``,
``apply_events``, ``close_round`` and ``history`` (many events in a row), ``wording`` (the
deciding term as a sentence), ``ocf`` (the Open Cap Table Format). ``interest``, ``conversion``,
``antidilution``, ``protection``, ``prorata`` and ``vesting`` hold formulas of single subjects.
"""
