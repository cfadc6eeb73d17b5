"""Evaluation of trained models: held-out loss, questions, generation and compression."""
