"""Scaling laws: the loss of a number of parameters and tokens, and its uncertainty.

``laws`` has the form that fits and plans share, and ``published`` the runs of other teams.
``kaplan``, ``approaches``, ``isoflop``, ``overtrained``, ``repeated``, ``lifetime``, ``mixtures``
and ``downstream`` each implement laws of one paper. ``fit`` fits a law to runs, ``extrapolation``
predicts larger runs with bounds, ``backtest`` measures the errors of such predictions, and
``cautions`` lists reasons not to trust a fit.
"""
