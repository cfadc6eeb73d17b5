"""Training objectives: prediction of the next token, or of masked tokens.

Shapes: B sequences, T tokens of a sequence, V tokens of the vocabulary. Token ids have shape
(B, T), logits (B, T, V).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from engine.recipes.recipe import Recipe
from engine.training.model import ROUTER_LOSS_SHARE

IGNORED = -100
"""Label of a token that is not scored, as in ``transformers``."""
_TRAINING_STREAM, _EVALUATION_STREAM = 1, 2
"""Seeds of two random streams, so that held-out masks do not change with a run's seed."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Windows of tokens, ready for the model."""

    input_ids: np.ndarray
    """Token ids, shape (B, T), int64."""
    labels: np.ndarray
    """Labels, shape (B, T), int64, at the position of their token; the model shifts them."""
    n_scored: int
    """Number of tokens over which the loss is the mean."""

    def to(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Return the model's arguments as tensors of shape (B, T) on ``device``."""
        inputs = torch.from_numpy(self.input_ids).to(device)
        if self.labels is self.input_ids:
            return {"input_ids": inputs, "labels": inputs}
        return {"input_ids": inputs, "labels": torch.from_numpy(self.labels).to(device)}


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of one micro batch, as scalar tensors in nats per token."""

    total: torch.Tensor
    """Loss that is minimised."""
    text: torch.Tensor
    """Part of the loss that scores the text; it has no gradient."""


class Objective(Protocol):
    """Interface of a training objective."""

    def training_examples(self, windows: np.ndarray, sequences: Sequence[int]) -> Examples:
        """Return the examples of ``windows`` (B, T), the run's sequences with these numbers."""

    def held_out_examples(self, windows: np.ndarray, positions: Sequence[int]) -> Examples:
        """Return the examples of ``windows`` (B, T), the held-out windows at these positions."""

    def losses(self, model: Any, inputs: dict[str, torch.Tensor]) -> Losses:
        """Return the training losses; the held-out loss is the model's own."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """Trained model whose probabilities a student learns in addition to the text (Hinton 2015)."""

    model: Any
    weight: float
    """Share of the divergence in the loss."""
    temperature: float
    """Divisor of both models' logits."""

    def divergence(self, logits_BTV: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        """Return T² · KL(teacher ‖ student) in nats per token (Hinton 2015, section 2).

        Both distributions have temperature T. The mean is over the tokens that the loss of the text
        also scores: all but the first of each sequence.
        """
        with torch.no_grad():
            teacher_BTV = self._log_probabilities(self.model(input_ids=input_ids).logits)
        student_BTV = self._log_probabilities(logits_BTV)
        total = functional.kl_div(student_BTV, teacher_BTV, reduction="sum", log_target=True)
        n_tokens = input_ids.shape[0] * (input_ids.shape[1] - 1)
        return total / n_tokens * self.temperature**2

    # Shape: (B, T - 1, V)
    def _log_probabilities(self, logits_BTV: torch.Tensor) -> torch.Tensor:
        return functional.log_softmax(logits_BTV[:, :-1].float() / self.temperature, dim=-1)


@dataclass(frozen=True, slots=True)
class NextToken:
    """Prediction of each token from the tokens before it; a window's first token has none."""

    has_router: bool = False
    """Whether the model has a router, which learns to balance the experts (Fedus 2022, section
    2.2)."""
    teacher: Teacher | None = None
    """Model that the trained one is distilled from."""

    def training_examples(self, windows: np.ndarray, sequences: Sequence[int]) -> Examples:
        return Examples(windows, windows, windows.shape[0] * (windows.shape[1] - 1))

    def held_out_examples(self, windows: np.ndarray, positions: Sequence[int]) -> Examples:
        return self.training_examples(windows, positions)

    def losses(self, model: Any, inputs: dict[str, torch.Tensor]) -> Losses:
        if self.has_router:
            output = model(**inputs, output_router_logits=True)
            router = ROUTER_LOSS_SHARE * output.aux_loss
            text = output.loss.detach() - router.detach()
        else:
            output, router = model(**inputs), 0.0
            text = output.loss.detach()
        total = output.loss
        if self.teacher:
            share = self.teacher.weight
            divergence = self.teacher.divergence(output.logits, inputs["input_ids"])
            total = (1 - share) * (total - router) + share * divergence + router
        return Losses(total, text)


@dataclass(frozen=True, slots=True)
class MaskedTokens:
    """Prediction of a share of the tokens from all other tokens (Devlin 2019, section 3.1).

    Of the chosen tokens, 80% are replaced by the mask and 10% by a random token; 10% stay. The
    same number is chosen in each window, so that the mean over windows is the mean over tokens.
    The choice follows from the run's seed and the sequence's number; in held-out windows it follows
    from the window's position only.
    """

    recipe: Recipe

    def training_examples(self, windows: np.ndarray, sequences: Sequence[int]) -> Examples:
        return self._masked(
            windows, [(_TRAINING_STREAM, self.recipe.seed, number) for number in sequences]
        )

    def held_out_examples(self, windows: np.ndarray, positions: Sequence[int]) -> Examples:
        return self._masked(windows, [(_EVALUATION_STREAM, position) for position in positions])

    def losses(self, model: Any, inputs: dict[str, torch.Tensor]) -> Losses:
        loss = model(**inputs).loss
        return Losses(loss, loss.detach())

    def _masked(self, windows: np.ndarray, seeds: Sequence[tuple[int, ...]]) -> Examples:
        inputs, labels = windows.copy(), np.full_like(windows, IGNORED)
        n_tokens = windows.shape[1]
        n_chosen = max(1, round(self.recipe.masked_share * n_tokens))
        mask_id = any_below = self.recipe.text_vocab
        for row, seed in enumerate(seeds):
            random = np.random.default_rng(seed)
            chosen = random.permutation(n_tokens)[:n_chosen]
            labels[row, chosen] = windows[row, chosen]
            draw = random.random(n_chosen)
            inputs[row, chosen[draw < 0.8]] = mask_id
            replaced = chosen[draw >= 0.9]
            inputs[row, replaced] = random.integers(any_below, size=len(replaced))
        return Examples(inputs, labels, n_chosen * len(seeds))


def build_objective(recipe: Recipe, teacher: Any = None) -> Objective:
    """Return the objective of a recipe; ``teacher`` is the model that it is distilled from."""
    if recipe.model_class == "bert":
        return MaskedTokens(recipe)
    chosen = recipe.distillation
    return NextToken(
        has_router=recipe.model_class == "mixtral",
        teacher=Teacher(teacher, chosen.weight, chosen.temperature) if chosen else None,
    )
