"""Byte-level BPE (Sennrich 2016), trained by ``tokenizers`` and applied by ``tiktoken``.

As in GPT-2 the smallest units are bytes, so that every text can be encoded. ``tiktoken`` encodes
faster than ``tokenizers``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import tiktoken
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"

# GPT-2's pattern, which is also ByteLevel's, in the possessive form that tiktoken ships. It finds
# the same pieces without backtracking.
_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def train_tokenizer(texts: Iterable[str], vocab: int) -> Tokenizer:
    """Train a tokenizer of at most ``vocab`` tokens; a text with few pairs to merge gives fewer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class Encoder:
    """Encoder with the ids of ``tokenizer``; the text of a special token is plain text.

    ``use_tiktoken`` must be the result of :func:`matches_tiktoken`.
    """

    def __init__(self, tokenizer: Tokenizer, use_tiktoken: bool) -> None:
        self._tokenizer = tokenizer
        tokenizer.encode_special_tokens = True  # encode them as plain text
        self.end_id: int = tokenizer.get_vocab()[END_OF_TEXT]
        self._fast = _tiktoken(tokenizer) if use_tiktoken else None

    def encode(self, text: str) -> NDArray[np.uint32]:
        """Return token ids, shape (tokens,), without an end token."""
        if self._fast is not None:
            try:
                return self._fast.encode_to_numpy(text, disallowed_special=())
            except ValueError:  # its pattern fails on a very long run of blanks
                pass
        return np.array(self._tokenizer.encode(text).ids, np.uint32)


def matches_tiktoken(tokenizer: Tokenizer) -> bool:
    """Whether ``tiktoken`` gives the same ids as ``tokenizer``.

    ``tokenizers`` joins the pairs that training listed; ``tiktoken`` joins any two tokens that form
    a third. Both give the same ids if each token is formed by one pair only and its own bytes are
    encoded to it: within the bytes of a token, both then merge in the same order.
    """
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    if len({left + right for left, right in merges}) != len(merges):
        return False
    model = tokenizer.model
    return all(
        [piece.id for piece in model.tokenize(token)] == [number]
        for token, number in tokenizer.get_vocab(with_added_tokens=False).items()
        if token != END_OF_TEXT
    )


def _tiktoken(tokenizer: Tokenizer) -> tiktoken.Encoding:
    byte_of = {char: byte for byte, char in byte_characters().items()}
    vocab = tokenizer.get_vocab(with_added_tokens=False)
    return tiktoken.Encoding(
        "corpus",
        pat_str=_PIECES,
        mergeable_ranks={
            bytes(byte_of[char] for char in token): number
            for token, number in vocab.items()
            if token != END_OF_TEXT
        },
        special_tokens={END_OF_TEXT: vocab[END_OF_TEXT]},
    )


def byte_characters() -> dict[int, str]:
    """Return the character of each byte in a byte-level vocabulary, as in GPT-2.

    Printable bytes have their own character; the others have the characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(0x100 + number) for number, byte in enumerate(hidden)
    }
