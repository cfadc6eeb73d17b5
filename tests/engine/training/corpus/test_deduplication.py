"""Near duplicates agree with the exact Jaccard similarity."""

import random
import re

import numpy as np
import pytest

from engine.training.corpus.deduplication import exact_originals, near_originals, rows_per_band
from engine.training.corpus.minhash import fingerprint_texts

POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


def words_of(text: str) -> list[str]:
    """Return the runs of letters and digits, and each ideograph as a word."""
    return re.findall(r"[㐀-鿿]|[^\W㐀-鿿]+", text.lower())


def jaccard(left: str, right: str) -> float:
    sets = []
    for text in (left, right):
        words = words_of(text)
        sets.append({tuple(words[i : i + 5]) for i in range(len(words))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def fingerprints_of(texts: list[str]):
    return fingerprint_texts(texts, [text.encode() for text in texts])


def variants(n_words: int, changed_shares: list[float], pool: list[str]) -> list[str]:
    """Return a text, and copies of it with each of ``changed_shares`` of the words changed."""
    draw = random.Random(1)
    base = draw.choices(pool, k=n_words)
    return [
        " ".join(draw.choice(pool) if draw.random() < share else word for word in base)
        for share in (0.0, *changed_shares)
    ]


@pytest.mark.parametrize(
    "pool", [[f"Word{i}" for i in range(3_000)], [chr(0x4E00 + i) for i in range(3_000)]]
)
def test_signatures_estimate_the_similarity(pool: list[str]) -> None:
    texts = variants(4_000, [0.01, 0.03, 0.1, 0.3, 1.0], pool)
    signatures = fingerprints_of(texts).signatures
    for text, signature in zip(texts[1:], signatures[1:], strict=True):
        estimate = (signature == signatures[0]).mean()
        assert estimate == pytest.approx(jaccard(texts[0], text), abs=0.12)  # 3 standard errors


def test_neighbours_in_a_batch_do_not_change_a_sketch() -> None:
    texts = ["one two three four five six", POEM * 3, "x", "Ünïcödé wörds 123 𠀀𠀁 🙂"]
    together, separate = fingerprints_of(texts), [fingerprints_of([text]) for text in texts]
    for field in ("signatures", "digests", "letter_shares"):
        joined = np.concatenate([getattr(fingerprints, field) for fingerprints in separate])
        assert (getattr(together, field) == joined).all()


def test_punctuation_case_and_blanks_do_not_hide_a_copy() -> None:
    first, second = fingerprints_of(
        ["The cat, the DOG; and\nthe bird!", "the cat the dog and the bird"]
    ).signatures
    assert (first == second).all()


def test_letters_among_what_is_seen() -> None:
    shares = fingerprints_of(["ab cd", "12 34", "a1\n--", POEM, "नमस्ते", "🙂🙂a"]).letter_shares
    assert shares == pytest.approx([1, 0, 0.25, 20 / 24, 1, 1 / 3])


def test_exact_originals_are_the_first_of_each() -> None:
    digests = fingerprints_of(["a", "b", "a", "c", "b", "a"]).digests
    assert exact_originals(digests).tolist() == [0, 1, 0, 3, 1, 0]


@pytest.mark.parametrize("similarity", [0.5, 0.8, 0.95])
def test_near_duplicates_are_those_that_are_similar(similarity: float) -> None:
    pool = [f"w{i}" for i in range(2_000)]
    near = variants(1_500, [0.005] * 4, pool)
    draw = random.Random(2)
    unrelated = [" ".join(draw.choices(pool, k=1_500)) for _ in range(60)]
    texts = unrelated[:30] + near + unrelated[30:]
    signatures = fingerprints_of(texts).signatures
    found = near_originals(signatures, np.arange(len(texts)), similarity)
    for index, original in enumerate(found.tolist()):
        if original != index:
            assert {texts[index], texts[original]} <= set(near)
    similar = [jaccard(near[0], text) for text in near[1:]]
    if similarity <= 0.8:
        assert min(similar) > 0.85
        assert found[30:35].tolist() == [30] * 5


def test_a_crowd_with_one_key_is_one_group() -> None:
    signatures = np.ones((5_000, 128), np.uint32)
    assert not near_originals(signatures, np.arange(5_000), 0.8).any()


def test_bands_find_what_is_just_similar_enough() -> None:
    assert [rows_per_band(s) for s in (0.5, 0.7, 0.8, 0.9)] == [2, 4, 8, 8]
