"""Inspection of a model: the loss of each token of a text, and the attention of its heads."""

from __future__ import annotations

from typing import Any

import torch

from engine.documents import InputError
from engine.training.corpus.vocabulary import labels
from engine.training.evaluation.scoring import Row, is_masked, predictions

MAX_TOKENS = 96
"""Largest number of tokens that are inspected; more would not be legible in one chart."""
N_GUESSES = 5
"""Number of likeliest tokens that are returned for each position."""


def read_prompt(tokenizer: Any, prompt: str, context: int) -> tuple[list[int], int]:
    """Return the token ids of the start of the prompt, and the number of tokens left out.

    Raises
    ------
    InputError
        If the prompt has fewer than two tokens: the first has no context.
    """
    ids: list[int] = tokenizer(prompt, add_special_tokens=False).input_ids
    if len(ids) < 2:
        raise InputError("prompt", prompt, "two_tokens")
    kept = ids[: min(MAX_TOKENS, context)]
    return kept, len(ids) - len(kept)


def inspect(model: Any, tokenizer: Any, prompt: str) -> dict[str, object]:
    """Return the loss in nats and the likeliest predictions for each token of ``prompt``.

    The first token has no loss unless the model reads a text in both directions.
    """
    context = model.config.max_position_embeddings
    ids, n_left_out = read_prompt(tokenizer, prompt, context)
    if is_masked(model):
        mask, first = tokenizer.mask_token_id, 0
        rows = [Row([*ids[:at], mask, *ids[at + 1 :]], [at], [ids[at]]) for at in range(len(ids))]
    else:
        rows, first = [Row(ids, range(len(ids) - 1), ids[1:])], 1
    log_probabilities = torch.cat(list(predictions(model, rows)))  # Shape: (targets, vocab)
    targets = torch.tensor(ids[first:])
    losses = -log_probabilities.gather(1, targets[:, None])[:, 0]
    best = log_probabilities.topk(min(N_GUESSES, log_probabilities.shape[1]))
    unknown = [None] * first
    return {
        "tokens": labels(tokenizer, ids),
        "n_left_out": n_left_out,
        "losses": [*unknown, *losses.tolist()],
        "guesses": [
            *unknown,
            *(
                list(zip(labels(tokenizer, guesses.tolist()), shares.tolist(), strict=True))
                for guesses, shares in zip(best.indices, best.values.exp(), strict=True)
            ),
        ],
        "n_layers": model.config.num_hidden_layers,
        "n_heads": model.config.num_attention_heads,
    }


@torch.no_grad()
def attention(model: Any, tokenizer: Any, prompt: str, layer: int) -> dict[str, object]:
    """Return the attention shares of each head of a layer (from 0).

    The shares have shape (heads, tokens, tokens); row i has the attention of token i to all tokens.

    Raises
    ------
    InputError
        If the model has no such layer.
    """
    n_layers = model.config.num_hidden_layers
    if not 0 <= layer < n_layers:
        raise InputError("layer", layer, "between", low=0, high=n_layers - 1)
    ids, _ = read_prompt(tokenizer, prompt, model.config.max_position_embeddings)
    usual_implementation = model.config._attn_implementation
    model.set_attn_implementation("eager")  # fused kernels do not return the shares
    try:
        output = model(input_ids=torch.tensor([ids], device=model.device), output_attentions=True)
    finally:
        model.set_attn_implementation(usual_implementation)
    shares = output.attentions[layer][0].float().cpu()
    return {"shares": [[[round(x, 4) for x in row] for row in head] for head in shares.tolist()]}
