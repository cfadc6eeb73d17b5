"""Generation of text from an exported model, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from engine.documents import InputError
from engine.sampling import Sampling


def load_model(model_dir: Path) -> tuple[Any, Any]:
    """Load (model, tokenizer) from safetensors; other formats can run code when loaded.

    Raises
    ------
    InputError
        If the weights do not fit the model that ``config.json`` describes.
    """
    config = AutoConfig.from_pretrained(model_dir, local_files_only=True)
    kind = AutoModelForMaskedLM if config.model_type == "bert" else AutoModelForCausalLM
    on_gpu = torch.cuda.is_available()
    model, report = kind.from_pretrained(
        model_dir,
        use_safetensors=True,
        local_files_only=True,
        # Many CPUs compute bf16 at a hundredth of their fp32 rate.
        dtype="auto" if on_gpu else torch.float32,
        ignore_mismatched_sizes=True,  # so that the error below names the weight
        output_loading_info=True,
    )
    if unfit := [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]:
        raise InputError("model", str(model_dir), "weights_of_config", weight=min(unfit))
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    return model.eval().to("cuda" if on_gpu else "cpu"), tokenizer


def generate(model: Any, tokenizer: Any, prompt: str, sampling: Sampling) -> Iterator[str]:
    """Yield pieces of text that continue ``prompt``, as they are generated.

    Generation ends at the end-of-text token. A piece has whole characters, although a token can be
    a part of a character.

    Raises
    ------
    InputError
        If the model fills in masked tokens and cannot continue a text.
    """
    if model.config.model_type == "bert":
        raise InputError("model", model.config.model_type, "predicts_next_token")
    ids = tokenizer(prompt).input_ids or [tokenizer.eos_token_id]
    pending: list[int] = []
    for token in next_tokens(model, ids, sampling):
        if token == tokenizer.eos_token_id:
            return
        pending.append(token)
        text = tokenizer.decode(pending)
        if not text.endswith("�"):
            yield text
            pending = []


@torch.no_grad()
def next_tokens(model: Any, ids: Sequence[int], sampling: Sampling) -> Iterator[int]:
    """Yield token ids that continue ``ids``; each step reads only the new token.

    A prompt longer than the model's context is cut at its start. When the context is full, its
    older half is dropped and the rest is read again; all other steps cost the same.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    context = model.config.max_position_embeddings
    context_ids = list(ids[-context:])
    unread, cache = context_ids, None
    for _ in range(sampling.tokens):
        if len(context_ids) > context:
            context_ids = context_ids[-max(1, context // 2) :]
            unread, cache = context_ids, None
        window = torch.tensor([unread], device=model.device)  # Shape: (1, unread tokens)
        output = model(input_ids=window, past_key_values=cache, use_cache=True)
        shares = probabilities(output.logits[0, -1].cpu(), sampling)
        token = int(torch.multinomial(shares, 1, generator=generator))
        yield token
        context_ids = [*context_ids, token]
        unread, cache = [token], output.past_key_values


def probabilities(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Return the distribution of the next token, shape (vocab,), float64.

    ``logits`` has shape (vocab,).
    """
    logits = logits.double() - logits.max()  # the largest is 0: no NaN at a tiny temperature
    if sampling.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < len(logits):
        logits[logits < torch.topk(logits, sampling.top_k).values[-1]] = -torch.inf
    shares = torch.softmax(logits, dim=-1)
    sorted_shares, order = shares.sort(descending=True)
    share_before = sorted_shares.cumsum(0) - sorted_shares
    shares[order[share_before >= sampling.top_p]] = 0
    return shares / shares.sum()
