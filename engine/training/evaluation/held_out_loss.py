"""Held-out loss: mean loss on documents that the model was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import distributed

from engine.training.objectives import NextToken, Objective


@torch.no_grad()
def held_out_loss(
    model: torch.nn.Module,
    tokens: np.ndarray,
    *,
    seq_len_tokens: int,
    batch_sequences: int,
    device: torch.device,
    max_sequences: int | None = None,
    objective: Objective | None = None,
) -> float:
    """Return the mean loss in nats per token over non-overlapping windows of ``tokens``.

    ``tokens`` has shape (tokens,). By default each window scores all of its tokens except the
    first, which has no context; another ``objective`` chooses its own tokens. The windows are
    divided among the ranks, and every rank must call this: ZeRO stage 3 gathers weights in the
    forward pass, so a rank without windows left computes one that does not count.
    """
    objective = objective or NextToken()
    n_windows = len(tokens) // seq_len_tokens
    if max_sequences is not None:
        n_windows = min(n_windows, max_sequences)
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    loss_sum = torch.zeros(2, dtype=torch.float64, device=device)  # (nats, tokens)
    was_training = model.training
    model.eval()
    for start in range(0, n_windows, batch_sequences * n_ranks):
        first = start + rank * batch_sequences
        counted = range(first, min(first + batch_sequences, n_windows))
        chosen = list(counted) or [0]
        # Shape of batch: (batch_sequences, seq_len_tokens)
        batch = np.stack([tokens[i * seq_len_tokens : (i + 1) * seq_len_tokens] for i in chosen])
        examples = objective.held_out_examples(batch.astype(np.int64), chosen)
        loss = model(**examples.to(device)).loss
        if counted:
            n_scored = examples.n_scored
            loss_sum += torch.tensor([loss.item() * n_scored, n_scored], device=device)
    model.train(was_training)
    distributed.all_reduce(loss_sum)
    return float(loss_sum[0] / loss_sum[1])
