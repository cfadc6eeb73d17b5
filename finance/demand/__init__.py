"""Who comes, who stays and what they are worth.

``bass`` and ``logistic`` (adoption curves inside a market, fitted to what was sold), ``retention``
(how long customers stay, fitted to a cohort), ``customers`` (lifetime value, acquisition cost,
net and gross retention).
"""
