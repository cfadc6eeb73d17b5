"""Real pretraining. The only place that imports torch, transformers or deepspeed.

``recipe``, ``sample`` and ``texts`` do without them, so that the app can use them.
"""
