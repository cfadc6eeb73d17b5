"""Optimizer steps of one rank: the objective and DeepSpeed's engine."""

from __future__ import annotations

from typing import Any

import deepspeed
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from engine.recipes.recipe import Recipe
from engine.training.batches import TrainingBatches
from engine.training.deepspeed_config import deepspeed_config
from engine.training.objectives import build_objective


class Trainer:
    """One rank's model with its objective and its DeepSpeed engine."""

    def __init__(
        self, recipe: Recipe, model: PreTrainedModel, device: torch.device, teacher: Any = None
    ) -> None:
        self.recipe, self.device = recipe, device
        self.objective = build_objective(recipe, teacher)
        if recipe.layout.activation_checkpointing == "full":
            model.gradient_checkpointing_enable()
        self.engine, *_ = deepspeed.initialize(
            model=model,
            model_parameters=model.parameters(),
            config=deepspeed_config(recipe),
            lr_scheduler=lambda optimizer: LambdaLR(optimizer, recipe.learning_rate_share),
        )
        if recipe.compile:
            self.engine.compile()

    def step(self, step: int, batches: TrainingBatches, rank: int) -> torch.Tensor:
        """Take optimizer step ``step`` (from 0).

        Returns
        -------
        torch.Tensor
            Shape (2,): the loss of the text and the minimised loss, in nats per token, each summed
            over this rank's micro batches.
        """
        sums = torch.zeros(2, device=self.device)
        for accumulation in range(self.recipe.layout.grad_accumulation_steps):
            windows = batches.micro_batch(step, accumulation, rank)
            sequences = batches.sequences(step, accumulation, rank)
            examples = self.objective.training_examples(windows, sequences)
            losses = self.objective.losses(self.engine, examples.to(self.device))
            self.engine.backward(losses.total)
            self.engine.step()
            sums += torch.stack([losses.text, losses.total.detach()]).float()
        return sums
