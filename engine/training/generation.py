"""Generates text from an exported model: ``python -m engine.training.generation MODEL_DIR``.

One process serves many requests, so that the model is loaded once. A request is one line of
JSON on standard input; the answer is lines of JSON on standard output: ``{"text": …}`` for each
new piece of text, then ``{"done": …}``. It ends when its input closes, so it never outlives
the one that asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(model_dir: Path) -> tuple[Any, Any]:
    """(model, tokenizer) from safetensors only: other formats can run code when loaded."""
    model = AutoModelForCausalLM.from_pretrained(
        model_dir, use_safetensors=True, local_files_only=True
    )
    return model.eval(), AutoTokenizer.from_pretrained(model_dir, local_files_only=True)


@torch.no_grad()
def generate(
    model: Any, tokenizer: Any, prompt: str, *, max_tokens: int, temperature: float, seed: int
) -> Iterator[str]:
    """Pieces of text that go on from ``prompt``, as they come.

    A prompt longer than the model's context keeps its end. Temperature 0 always takes the
    likeliest token. Ends at the end-of-text token. Pieces are whole characters: a token can be
    a part of one.
    """
    torch.manual_seed(seed)
    context = model.config.max_position_embeddings
    ids = tokenizer(prompt).input_ids or [tokenizer.bos_token_id]
    generated: list[int] = []
    shown = ""
    for _ in range(max_tokens):
        window = torch.tensor([(ids + generated)[-context:]])
        logits = model(window, use_cache=False).logits[0, -1]
        if temperature == 0:
            token = int(logits.argmax())
        else:
            token = int(torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1))
        if token == tokenizer.eos_token_id:
            return
        generated.append(token)
        text = tokenizer.decode(generated)
        if not text.endswith("�"):
            yield text[len(shown) :]
            shown = text


def serve(model_dir: Path) -> None:
    model, tokenizer = load(model_dir)
    _say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        for piece in generate(model, tokenizer, **request):
            _say({"text": piece})
        _say({"done": True})


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
