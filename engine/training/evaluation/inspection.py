"""Look inside a model: what each token of a text cost it, and where its heads look."""

from __future__ import annotations

from typing import Any

import torch

from engine.documents import InputError
from engine.training.corpus.vocabulary import labels
from engine.training.evaluation.scoring import Row, is_masked, predictions

MAX_TOKENS = 96
"""More would not be legible in one picture."""
N_GUESSES = 5


def read(tokenizer: Any, prompt: str, context: int) -> tuple[list[int], int]:
    """(token ids of the start of the prompt, how many are left out).

    Raises
    ------
    InputError
        If there are fewer than two: the first has nothing before it.
    """
    ids: list[int] = tokenizer(prompt, add_special_tokens=False).input_ids
    if len(ids) < 2:
        raise InputError("prompt", prompt, "two_tokens")
    read = ids[: min(MAX_TOKENS, context)]
    return read, len(ids) - len(read)


def inspect(model: Any, tokenizer: Any, prompt: str) -> dict[str, object]:
    """Loss in nats and likeliest guesses for each token of ``prompt``.

    The first token of a text has no loss, unless the model sees what comes after it.
    """
    context = model.config.max_position_embeddings
    ids, n_left_out = read(tokenizer, prompt, context)
    if is_masked(model):
        mask, first = tokenizer.mask_token_id, 0
        rows = [Row([*ids[:at], mask, *ids[at + 1 :]], [at], [ids[at]]) for at in range(len(ids))]
    else:
        rows, first = [Row(ids, range(len(ids) - 1), ids[1:])], 1
    log_probabilities = torch.cat(list(predictions(model, rows)))
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
                list(zip(labels(tokenizer, of.tolist()), shares.tolist(), strict=True))
                for of, shares in zip(best.indices, best.values.exp(), strict=True)
            ),
        ],
        "n_layers": model.config.num_hidden_layers,
        "n_heads": model.config.num_attention_heads,
    }


@torch.no_grad()
def attention(model: Any, tokenizer: Any, prompt: str, layer: int) -> dict[str, object]:
    """Where each head of a layer (from 0) looks: shares, shape (heads, tokens, tokens); row i
    is what token i reads.

    Raises
    ------
    InputError
        If there is no such layer.
    """
    n_layers = model.config.num_hidden_layers
    if not 0 <= layer < n_layers:
        raise InputError("layer", layer, "between", low=0, high=n_layers - 1)
    ids, _ = read(tokenizer, prompt, model.config.max_position_embeddings)
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")  # fused kernels do not keep the shares
    try:
        output = model(input_ids=torch.tensor([ids], device=model.device), output_attentions=True)
    finally:
        model.set_attn_implementation(usual)
    shares = output.attentions[layer][0].float().cpu()
    return {"shares": [[[round(x, 4) for x in row] for row in head] for head in shares.tolist()]}
