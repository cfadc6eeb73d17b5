"""Adoption, retention and the value of customers.

``bass`` and ``logistic`` (adoption curves inside a market, fitted to sales), ``retention`` (the
lifetime of customers, fitted to a cohort), ``customers`` (lifetime value, acquisition cost, net
and gross retention).
"""
