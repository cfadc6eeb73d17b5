"""Conversion of tokens to bytes and to readable text."""

from __future__ import annotations

from typing import Any

from engine.training.corpus.tokenizer import byte_characters

_BYTES = {character: byte for byte, character in byte_characters().items()}
"""Byte of each character of byte-level BPE (Radford 2019)."""


def token_bytes(tokenizer: Any, vocab: int) -> list[bytes]:
    """Return the bytes of each of ``vocab`` tokens; special tokens and unused rows have none."""
    special = set(tokenizer.all_special_tokens)
    tokens = tokenizer.convert_ids_to_tokens(list(range(min(vocab, len(tokenizer)))))
    found = [
        b"" if token in special else bytes(_BYTES[character] for character in token)
        for token in tokens
    ]
    return [*found, *[b""] * (vocab - len(found))]


def labels(tokenizer: Any, ids: list[int]) -> list[str]:
    """Return each token as text; a token that is not whole characters as its bytes: ⟨E7 8C⟩."""
    special = set(tokenizer.all_special_tokens)
    return [_label(token, special) for token in tokenizer.convert_ids_to_tokens(ids)]


def _label(token: str | None, special: set[str]) -> str:
    if token is None or token in special:
        return token or "⟨⟩"
    raw = bytes(_BYTES[character] for character in token)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"⟨{raw.hex(' ').upper()}⟩"
