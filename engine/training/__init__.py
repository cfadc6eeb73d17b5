"""Real pretraining. The only place that imports torch, transformers or deepspeed.

``recipe`` and ``corpus`` do without them, so that the app can use both.
"""
