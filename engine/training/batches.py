"""Tokens of each rank at each step, a function of (seed, step, rank) only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.recipes.recipe import Recipe


@dataclass(frozen=True)
class TrainingBatches:
    """Windows of the training tokens, in a new random order each epoch.

    A window is ``seq_len_tokens`` long and windows do not overlap, so one epoch contains every
    token once, except the remainder at the end. The model shifts labels itself, so the inputs are
    also the labels.
    """

    tokens: np.ndarray
    """Token ids, shape (n_tokens,)."""
    recipe: Recipe

    @property
    def n_windows(self) -> int:
        return len(self.tokens) // self.recipe.shape.seq_len_tokens

    def sequences(self, step: int, accumulation: int, rank: int) -> range:
        """Return the numbers of a micro batch's sequences, counted from the start of the run."""
        recipe = self.recipe
        size = recipe.layout.micro_batch_sequences
        first = step * recipe.global_batch_sequences + (accumulation * recipe.n_ranks + rank) * size
        return range(first, first + size)

    def micro_batch(self, step: int, accumulation: int, rank: int) -> np.ndarray:
        """Return token ids, shape (micro_batch_sequences, seq_len_tokens), int64."""
        return np.stack([self._window(index) for index in self.sequences(step, accumulation, rank)])

    # Shape: (seq_len_tokens,)
    def _window(self, index: int) -> np.ndarray:
        epoch, position = divmod(index, self.n_windows)
        seq_len = self.recipe.shape.seq_len_tokens
        start = epoch_order(self.recipe.seed, epoch, self.n_windows)[position] * seq_len
        return self.tokens[start : start + seq_len].astype(np.int64)


@lru_cache(maxsize=2)  # a batch can cross the end of one epoch only
def epoch_order(seed: int, epoch: int, n_windows: int) -> np.ndarray:
    """Return the order of the windows in one epoch, shape (n_windows,)."""
    return np.random.default_rng([seed, epoch]).permutation(n_windows)
