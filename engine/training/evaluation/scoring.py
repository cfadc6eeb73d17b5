"""Log-probabilities of given tokens under a model, computed in batches.

A model that predicts the next token reads a text once. BERT reads it once for each scored token,
with that token masked: a pseudo-log-likelihood (Salazar 2020, equation 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

_LOGITS_PER_BATCH = 2**24
"""Largest number of logits of a batch: 64 MB in fp32 for any vocabulary."""
_ROWS_PER_BATCH = 32
"""Largest number of rows of a batch."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence of token ids, and the predictions in it that are scored."""

    ids: Sequence[int]
    positions: Sequence[int]
    """Positions whose logits are read."""
    targets: Sequence[int]
    """Token that each of the positions should predict."""


def is_masked(model: Any) -> bool:
    """Whether the model fills in masked tokens instead of predicting the next."""
    return bool(model.config.model_type == "bert")


def rows_for(
    model: Any, tokenizer: Any, context: Sequence[int], answer: Sequence[int]
) -> list[Row]:
    """Return the rows that score ``answer`` after ``context``, which has at least one token."""
    ids, start = [*context, *answer], len(context)
    if not is_masked(model):
        return [Row(ids, range(start - 1, len(ids) - 1), answer)]
    mask = tokenizer.mask_token_id
    return [
        Row([*ids[:at], mask, *ids[at + 1 :]], [at], [ids[at]]) for at in range(start, len(ids))
    ]


@torch.no_grad()
def predictions(
    model: Any, rows: Sequence[Row], on_tokens: Callable[[int], None] = lambda _: None
) -> Iterator[torch.Tensor]:
    """Yield the log-probabilities of each row, shape (len(row.positions), vocab), float32.

    Parameters
    ----------
    on_tokens
        Callback that gets the number of tokens read in each batch.
    """
    for batch in _batches(rows, model.config.vocab_size):
        longest = max(len(row.ids) for row in batch)
        # Shape of ids and attention_mask: (rows, longest); of logits: (rows, longest, vocab)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        attention_mask = torch.zeros_like(ids)
        for index, row in enumerate(batch):
            ids[index, : len(row.ids)] = torch.tensor(row.ids)
            attention_mask[index, : len(row.ids)] = 1
        device = model.device
        logits = model(input_ids=ids.to(device), attention_mask=attention_mask.to(device)).logits
        on_tokens(sum(len(row.ids) for row in batch))
        for row, row_logits in zip(batch, logits, strict=True):
            positions = torch.tensor(row.positions, dtype=torch.long, device=device)
            yield torch.log_softmax(row_logits[positions].float(), dim=-1).cpu()


def log_likelihoods(
    model: Any, items: Sequence[Sequence[Row]], on_tokens: Callable[[int], None] = lambda _: None
) -> list[float]:
    """Return, for each item, the summed log-probability of all targets of its rows, in nats."""
    scored = predictions(model, [row for rows in items for row in rows], on_tokens)
    return [sum(_target_sum(row, next(scored)) for row in rows) for rows in items]


def _target_sum(row: Row, log_probabilities: torch.Tensor) -> float:
    """Return the summed log-probability of a row's targets, in nats."""
    targets = torch.tensor(row.targets, dtype=torch.long)
    return float(log_probabilities.gather(1, targets[:, None]).double().sum())


def _batches(rows: Iterable[Row], vocab: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    longest = 0
    for row in rows:
        longest = max(longest, len(row.ids))
        n_logits = (len(batch) + 1) * longest * vocab
        if batch and (n_logits > _LOGITS_PER_BATCH or len(batch) == _ROWS_PER_BATCH):
            yield batch
            batch, longest = [], len(row.ids)
        batch.append(row)
    if batch:
        yield batch
