"""Text from an exported model, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from engine.documents import InputError
from engine.sampling import Sampling


def load_model(model_dir: Path) -> tuple[Any, Any]:
    """(model, tokenizer) from safetensors only: other formats can run code when loaded.

    Raises
    ------
    InputError
        If the weights are not those of the model that ``config.json`` describes.
    """
    config = AutoConfig.from_pretrained(model_dir, local_files_only=True)
    kind = AutoModelForMaskedLM if config.model_type == "bert" else AutoModelForCausalLM
    on_gpu = torch.cuda.is_available()
    model, report = kind.from_pretrained(
        model_dir,
        use_safetensors=True,
        local_files_only=True,
        # Many CPUs add up bf16 at a hundredth of their fp32 rate.
        dtype="auto" if on_gpu else torch.float32,
        ignore_mismatched_sizes=True,  # to name what does not fit in our own words
        output_loading_info=True,
    )
    if unfit := [*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]:
        raise InputError("model", str(model_dir), "weights_of_config", weight=min(unfit))
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    return model.eval().to("cuda" if on_gpu else "cpu"), tokenizer


def generate(model: Any, tokenizer: Any, prompt: str, sampling: Sampling) -> Iterator[str]:
    """Pieces of text that go on from ``prompt``, as they come.

    Ends at the end-of-text token. Pieces are whole characters: a token can be a part of one.

    Raises
    ------
    InputError
        If the model fills in masked tokens and cannot write on.
    """
    if model.config.model_type == "bert":
        raise InputError("model", model.config.model_type, "predicts_next_token")
    ids = tokenizer(prompt).input_ids or [tokenizer.eos_token_id]
    unsaid: list[int] = []
    for token in next_tokens(model, ids, sampling):
        if token == tokenizer.eos_token_id:
            return
        unsaid.append(token)
        text = tokenizer.decode(unsaid)
        if not text.endswith("�"):
            yield text
            unsaid = []


@torch.no_grad()
def next_tokens(model: Any, ids: Sequence[int], sampling: Sampling) -> Iterator[int]:
    """Token ids that go on from ``ids``, each step reading only what is new.

    A prompt longer than the model's context keeps its end. When the context is full its older
    half is forgotten: so a step costs the same all along, but for one that reads the rest anew.
    """
    drawing = torch.Generator().manual_seed(sampling.seed)
    context = model.config.max_position_embeddings
    known = list(ids[-context:])
    unread, cache = known, None
    for _ in range(sampling.tokens):
        if len(known) > context:
            known = known[-max(1, context // 2) :]
            unread, cache = known, None
        window = torch.tensor([unread], device=model.device)
        output = model(input_ids=window, past_key_values=cache, use_cache=True)
        shares = probabilities(output.logits[0, -1].cpu(), sampling)
        token = int(torch.multinomial(shares, 1, generator=drawing))
        yield token
        known = [*known, token]
        unread, cache = [token], output.past_key_values


def probabilities(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """What the next token is drawn from, shape (vocab,), float64."""
    logits = logits.double() - logits.max()  # the smallest temperature makes no NaN of the best
    if sampling.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < len(logits):
        logits[logits < torch.topk(logits, sampling.top_k).values[-1]] = -torch.inf
    shares = torch.softmax(logits, dim=-1)
    likeliest, order = shares.sort(descending=True)
    before = likeliest.cumsum(0) - likeliest
    shares[order[before >= sampling.top_p]] = 0
    return shares / shares.sum()
