"""Pretraining with PyTorch, ``transformers`` and DeepSpeed, which no other package imports.

:mod:`engine.recipes` and :mod:`engine.corpora` do not need them, so the app can import those.
"""
