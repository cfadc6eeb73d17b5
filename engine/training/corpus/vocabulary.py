"""Tokens as the bytes and the text that they stand for."""

from __future__ import annotations

from typing import Any


def _bytes_of_characters() -> dict[str, int]:
    """Byte-level BPE writes each byte as one visible character (Radford 2019): the way back."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = {chr(byte): byte for byte in shown}
    return characters | {chr(256 + index): byte for index, byte in enumerate(hidden)}


_BYTES = _bytes_of_characters()


def token_bytes(tokenizer: Any, vocab: int) -> list[bytes]:
    """The bytes of each of ``vocab`` tokens; none for special ones and for rows not in use."""
    special = set(tokenizer.all_special_tokens)
    tokens = tokenizer.convert_ids_to_tokens(list(range(min(vocab, len(tokenizer)))))
    found = [
        b"" if token in special else bytes(_BYTES[character] for character in token)
        for token in tokens
    ]
    return [*found, *[b""] * (vocab - len(found))]


def labels(tokenizer: Any, ids: list[int]) -> list[str]:
    """Each token as text; one that is no whole character as its bytes: ⟨E7 8C⟩."""
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
