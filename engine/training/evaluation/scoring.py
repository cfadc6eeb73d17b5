"""What a model makes of given tokens: the log-probabilities of any position, in batches.

Models that predict the next token read a text once. BERT reads it once for each token in
question, with that token masked: a pseudo-log-likelihood (Salazar 2020, equation 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

_LOGITS_AT_A_TIME = 2**24
"""64 MB in fp32, however large the vocabulary."""
_ROWS_AT_A_TIME = 32


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence of token ids, and what is asked about it."""

    ids: Sequence[int]
    at: Sequence[int]
    """Positions whose logits are read."""
    targets: Sequence[int]
    """The token that each of them should predict."""


def is_masked(model: Any) -> bool:
    """Whether the model fills in masked tokens instead of predicting the next."""
    return bool(model.config.model_type == "bert")


def rows_for(
    model: Any, tokenizer: Any, context: Sequence[int], answer: Sequence[int]
) -> list[Row]:
    """What scores ``answer`` after ``context``, which holds at least one token."""
    ids, start = [*context, *answer], len(context)
    if not is_masked(model):
        return [Row(ids, range(start - 1, len(ids) - 1), answer)]
    mask = tokenizer.mask_token_id
    return [
        Row([*ids[:at], mask, *ids[at + 1 :]], [at], [ids[at]]) for at in range(start, len(ids))
    ]


@torch.no_grad()
def predictions(
    model: Any, rows: Sequence[Row], tell: Callable[[int], None] = lambda _: None
) -> Iterator[torch.Tensor]:
    """Log-probabilities for each row, shape (len(row.at), vocab), float32.

    Parameters
    ----------
    tell
        Is told after each batch how many tokens it read.
    """
    for batch in _batches(rows, model.config.vocab_size):
        longest = max(len(row.ids) for row in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        seen = torch.zeros_like(ids)
        for index, row in enumerate(batch):
            ids[index, : len(row.ids)] = torch.tensor(row.ids)
            seen[index, : len(row.ids)] = 1
        device = model.device
        logits = model(input_ids=ids.to(device), attention_mask=seen.to(device)).logits
        tell(sum(len(row.ids) for row in batch))
        for row, of_row in zip(batch, logits, strict=True):
            at = torch.tensor(row.at, dtype=torch.long, device=device)
            yield torch.log_softmax(of_row[at].float(), dim=-1).cpu()


def log_likelihoods(
    model: Any, items: Sequence[Sequence[Row]], tell: Callable[[int], None] = lambda _: None
) -> list[float]:
    """For each item, the summed log-probability of all targets of its rows, in nats."""
    scored = predictions(model, [row for rows in items for row in rows], tell)
    return [sum(_of_targets(row, next(scored)) for row in rows) for rows in items]


def _of_targets(row: Row, log_probabilities: torch.Tensor) -> float:
    targets = torch.tensor(row.targets, dtype=torch.long)
    return float(log_probabilities.gather(1, targets[:, None]).double().sum())


def _batches(rows: Iterable[Row], vocab: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    longest = 0
    for row in rows:
        longest = max(longest, len(row.ids))
        n_logits = (len(batch) + 1) * longest * vocab
        if batch and (n_logits > _LOGITS_AT_A_TIME or len(batch) == _ROWS_AT_A_TIME):
            yield batch
            batch, longest = [], len(row.ids)
        batch.append(row)
    if batch:
        yield batch
