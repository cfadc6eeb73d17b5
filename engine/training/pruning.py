"""Magnitude pruning: the smallest weights of each linear layer are set to zero (Zhu 2017)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D


class PrunedWeights:
    """Masks of a model's pruned weights, chosen by magnitude at creation."""

    def __init__(self, model: nn.Module, share: float) -> None:
        self._kept = [(weight, _keep_mask(weight, share)) for weight in linear_weights(model)]
        self.apply()

    @property
    def masks(self) -> list[torch.Tensor]:
        """Masks of the kept weights, one per linear layer, with the shape of its weights."""
        return [kept for _, kept in self._kept]

    def set_masks(self, masks: list[torch.Tensor]) -> None:
        """Replace the masks, for example by those of a checkpoint."""
        for (_, kept), mask in zip(self._kept, masks, strict=True):
            kept.copy_(mask)

    @torch.no_grad()
    def apply(self) -> None:
        """Set the pruned weights to zero; call this after each optimizer step."""
        for weight, kept in self._kept:
            weight.mul_(kept)


def linear_weights(model: nn.Module) -> Iterator[torch.Tensor]:
    """Yield the weights of linear layers and of experts, shape (…, width, width).

    An output layer that shares the token embedding is not included.
    """
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    for module in model.modules():
        if isinstance(module, nn.Linear | Conv1D):
            if id(module.weight) not in embeddings:
                yield module.weight
        else:
            yield from (p for p in module.parameters(recurse=False) if p.dim() == 3)


def _keep_mask(weight: torch.Tensor, share: float) -> torch.Tensor:
    """Return the mask of each matrix's largest weights, with the shape of ``weight``."""
    matrices = weight.detach().abs().reshape(-1, weight.shape[-2] * weight.shape[-1])
    smallest = matrices.topk(round(share * matrices.shape[1]), largest=False).indices
    kept = torch.ones_like(matrices, dtype=torch.bool).scatter_(1, smallest, False)
    return kept.reshape(weight.shape)
