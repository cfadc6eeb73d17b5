"""What a model learns: to predict the next token, or those that are masked.

Shapes: (B, T) token ids, B sequences of T tokens; (B, T, V) logits over V tokens.
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
"""The label of a token that is not scored, as ``transformers`` has it."""
_TRAINING_STREAM, _EVALUATION_STREAM = 1, 2
"""Streams of random numbers, so that held-out masks don't change with a run's seed."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Windows of tokens, ready for the model."""

    input_ids: np.ndarray
    """Shape (B, T), int64."""
    labels: np.ndarray
    """Shape (B, T), int64; the model itself compares each with the token before it, or not."""
    n_scored: int
    """Tokens that the loss is the mean over."""

    def to(self, device: torch.device) -> dict[str, torch.Tensor]:
        """The model's arguments."""
        inputs = torch.from_numpy(self.input_ids).to(device)
        if self.labels is self.input_ids:
            return {"input_ids": inputs, "labels": inputs}
        return {"input_ids": inputs, "labels": torch.from_numpy(self.labels).to(device)}


@dataclass(frozen=True, slots=True)
class Losses:
    """Of one micro batch, as tensors without dimensions."""

    total: torch.Tensor
    """What is minimised."""
    text: torch.Tensor
    """Its part that scores the text, in nats per token, without a gradient."""


class Objective(Protocol):
    def training_examples(self, windows: np.ndarray, sequences: Sequence[int]) -> Examples:
        """``windows`` (B, T), the run's sequences of these numbers."""

    def held_out_examples(self, windows: np.ndarray, positions: Sequence[int]) -> Examples:
        """``windows`` (B, T), the held-out windows at these positions."""

    def losses(self, model: Any, inputs: dict[str, torch.Tensor]) -> Losses:
        """In training; held-out loss is the model's own."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained model whose probabilities the student learns besides the text (Hinton 2015)."""

    model: Any
    weight: float
    temperature: float

    def divergence(self, logits_BTV: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
        """KL(teacher ‖ student) in nats per token, both at the temperature, times its square
        (section 2 there), over the tokens that the text scores too."""
        with torch.no_grad():
            taught = self._log_probabilities(self.model(input_ids=input_ids).logits)
        learnt = self._log_probabilities(logits_BTV)
        total = functional.kl_div(learnt, taught, reduction="sum", log_target=True)
        n_tokens = input_ids.shape[0] * (input_ids.shape[1] - 1)
        return total / n_tokens * self.temperature**2

    def _log_probabilities(self, logits_BTV: torch.Tensor) -> torch.Tensor:
        return functional.log_softmax(logits_BTV[:, :-1].float() / self.temperature, dim=-1)


@dataclass(frozen=True, slots=True)
class NextToken:
    """Each token but a window's first is predicted from those before it."""

    has_router: bool = False
    """Its router is to spread tokens over the experts evenly (Fedus 2022, section 2.2)."""
    teacher: Teacher | None = None

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
    """A share of the tokens is predicted from all others (Devlin 2019, section 3.1).

    Of those, 80% are replaced by the mask, 10% by any token, 10% stay. Equally many are chosen
    in each window, so that the mean over windows is the mean over tokens. They follow from the
    run's seed and the sequence's number, held-out ones from the window's position alone.
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
            fate = random.random(n_chosen)
            inputs[row, chosen[fate < 0.8]] = mask_id
            replaced = chosen[fate >= 0.9]
            inputs[row, replaced] = random.integers(any_below, size=len(replaced))
        return Examples(inputs, labels, n_chosen * len(seeds))


def build_objective(recipe: Recipe, teacher: Any = None) -> Objective:
    """What the recipe's model learns; ``teacher`` is the model that it is distilled from."""
    if recipe.model_class == "bert":
        return MaskedTokens(recipe)
    chosen = recipe.distillation
    return NextToken(
        has_router=recipe.model_class == "mixtral",
        teacher=Teacher(teacher, chosen.weight, chosen.temperature) if chosen else None,
    )
