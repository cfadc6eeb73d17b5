"""A byte-level BPE, trained on the corpus with the ``tokenizers`` library (Sennrich 2016; bytes as
GPT-2 does, so that no text is out of vocabulary), and applied by ``tiktoken``, which is faster."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import tiktoken
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"

# The ByteLevel pre-tokenizer's pattern (GPT-2's), in the possessive form that tiktoken ships: the
# same pieces, found without backtracking.
_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def train_tokenizer(texts: Iterable[str], vocab: int) -> Tokenizer:
    """A tokenizer of at most ``vocab`` tokens; fewer if the text has too few pairs to merge."""
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
    """Gives the ids that ``tokenizer`` gives; what looks like a special token is plain text.

    ``use_tiktoken`` is what :func:`matches_tiktoken` says of it.
    """

    def __init__(self, tokenizer: Tokenizer, use_tiktoken: bool) -> None:
        self._tokenizer = tokenizer
        tokenizer.encode_special_tokens = True  # as text, that is
        self.end_id: int = tokenizer.get_vocab()[END_OF_TEXT]
        self._fast = _tiktoken(tokenizer) if use_tiktoken else None

    def encode(self, text: str) -> NDArray[np.uint32]:
        if self._fast is not None:
            try:
                return self._fast.encode_to_numpy(text, disallowed_special=())
            except ValueError:  # its pattern gives up on a very long run of blanks
                pass
        return np.array(self._tokenizer.encode(text).ids, np.uint32)


def matches_tiktoken(tokenizer: Tokenizer) -> bool:
    """Whether both libraries merge use_tiktoken.

    ``tokenizers`` joins the pairs that training listed, ``tiktoken`` any two tokens that make a
    third. They come to the same when each token has one pair that makes it and is what its own
    bytes are encoded to: within the bytes of a token, merges then follow one course in both.
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
    """The character that stands for each byte in a byte-level vocabulary, as GPT-2 chose them:
    printable ones stand for themselves, the others come after U+0100 in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(0x100 + number) for number, byte in enumerate(hidden)
    }
