"""Compute: needs of a company, costs on demand, and contracts that replace on-demand purchases.

Suggested reading order: ``rates`` (costs from the engine's forecast), ``needs`` (hours and USD by
purpose), ``contracts`` (the documents), ``supply`` (allocation of contracts to needs), ``posting``
(entries in the ledger); then :mod:`finance.metrics.compute_options`.
"""
