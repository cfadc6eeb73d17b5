"""The compute side of a plan: memory, time, cost and loss of training and serving a model.

Read in this order: ``plan`` (the document), ``shapes`` (parameters), ``flops``, ``predictor``
(memory and step time), ``scaling`` (loss), then ``forecast``, which combines them. ``calibration``
corrects a forecast by what ``training`` measured, and ``runs`` manages the training processes.
"""
