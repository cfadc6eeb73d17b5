"""A byte-level BPE, trained on the corpus with the ``tokenizers`` library (Sennrich 2016;
bytes as GPT-2 does, so that no text is out of vocabulary)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END_OF_TEXT = "<|endoftext|>"
_DOCUMENTS_AT_A_TIME = 64


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


def encode_to_file(tokenizer: Tokenizer, texts: Sequence[str], path: Path) -> int:
    """Write the token ids of all texts to ``path`` as uint32; returns how many they are."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    n_tokens = 0
    with path.open("wb") as file:
        for start in range(0, len(texts), _DOCUMENTS_AT_A_TIME):
            for encoding in tokenizer.encode_batch(texts[start : start + _DOCUMENTS_AT_A_TIME]):
                ids = np.asarray([*encoding.ids, end], dtype=np.uint32)
                file.write(ids.tobytes())
                n_tokens += len(ids)
    return n_tokens
