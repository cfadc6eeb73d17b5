"""Compute: what a model plan needs, how long it takes, what it costs, what it learns.

Read in this order: ``plan`` (the document), ``shapes`` (parameters), ``flops``,
``memory``, ``throughput``, ``scaling``, then ``forecast``, which puts them together.
``calibration`` holds a forecast against what ``training`` measured; ``runs`` keeps
the processes that measure.
"""
