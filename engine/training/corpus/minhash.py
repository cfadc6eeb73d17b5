"""Fingerprints of texts: share of letters, digest and MinHash signature.

Words are hashed over arrays of code points, many documents at once; the library ``rensa`` computes
MinHash.

References
----------
Broder 1997, On the resemblance and containment of documents: shingles and MinHash.
Karp 1987, Efficient randomized pattern-matching algorithms: hashes of substrings by prefix sums.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

SIGNATURE_SLOTS = 128
"""Slots of a signature; the standard error of a similarity of 0.8 is 0.035."""

DIGEST_BYTES = 16
"""Size of a text's BLAKE2b digest, in bytes."""

_SHINGLE_WORDS = 5
_SEED = 1
_BLOCK_CHARS = 2**20
_TABLE_CHARS = 0x20000
"""Size of the tables by code point; higher code points are rare ideographs, each a word."""
_IDEOGRAPHS_FROM = 0x2E80
"""First code point of scripts that are written without blanks: each character is a word."""
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)

U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Fingerprints of several documents."""

    letter_shares: NDArray[np.float64]
    """Share of letters among the visible characters, shape (documents,)."""
    digests: NDArray[np.uint64]
    """Digests, shape (documents, 2); equal texts have equal digests."""
    signatures: NDArray[np.uint32]
    """MinHash signatures, shape (documents, SIGNATURE_SLOTS).

    The share of equal slots of two documents estimates their Jaccard similarity.
    """


def fingerprint_texts(texts: Sequence[str], encoded: Sequence[bytes]) -> Fingerprints:
    """Return the fingerprints of ``texts``; ``encoded`` holds the same texts in UTF-8."""
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    joined = "\n".join(texts)
    letters = np.zeros(len(texts))
    visible = np.zeros(len(texts))
    hashes, places = [], []
    for first in range(0, len(joined), _BLOCK_CHARS):
        folded, kinds = _characters(joined[first : first + _BLOCK_CHARS])
        block_hashes, block_places = _words(folded)
        hashes.append(block_hashes)
        places.append(block_places + first)
        low = int(np.searchsorted(starts, first, "right")) - 1
        high = int(np.searchsorted(starts, first + len(folded), "left"))
        cuts = np.maximum(starts[low:high] - first, 0)
        letters[low:high] += np.add.reduceat(kinds == 2, cuts, dtype=np.int64)
        visible[low:high] += np.add.reduceat(kinds > 0, cuts, dtype=np.int64)
    words = np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)
    place = np.concatenate(places) if places else np.zeros(0, np.int64)
    document = np.searchsorted(starts, place, "right") - 1
    ends = np.searchsorted(document, np.arange(len(texts) + 1))
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        _shingles(words, document), ends.astype(np.uint64), SIGNATURE_SLOTS, _SEED
    )
    digests = b"".join(hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest() for text in encoded)
    return Fingerprints(
        letter_shares=letters / np.maximum(visible, 1),
        digests=np.frombuffer(digests, np.uint64).reshape(-1, 2),
        signatures=np.array(matrix.to_rows(), np.uint32).reshape(-1, SIGNATURE_SLOTS),
    )


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return two tables by code point, each of shape (_TABLE_CHARS,).

    The first has the letter or digit in lower case, and 0 for any other character. The second has 2
    for letters and their marks, 1 for other visible characters and 0 for the rest.
    """
    folded = np.zeros(_TABLE_CHARS, np.uint32)
    kinds = np.zeros(_TABLE_CHARS, np.uint8)
    for code in range(_TABLE_CHARS):
        char = chr(code)
        category = unicodedata.category(char)
        if category[0] in "LMN":
            lower = char.lower()
            folded[code] = ord(lower) if len(lower) == 1 else code
        kinds[code] = 2 if category[0] in "LM" else category[0] in "NPS"
    return folded, kinds


@cache
def _powers() -> tuple[U64, U64]:
    """Return (base^i, base^-i) modulo 2^64 for the places i of a block."""
    return _powers_of(_BASE), _powers_of(pow(_BASE, -1, 2**64))


def _powers_of(base: int) -> U64:
    factors = np.full(_BLOCK_CHARS, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


def _characters(text: str) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return the entries of :func:`_tables` for each character, shape (characters,)."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    folded_of, kind_of = _tables()
    folded, kinds = folded_of.take(codes, mode="clip"), kind_of.take(codes, mode="clip")
    if not text.isascii():
        rare = codes >= _TABLE_CHARS
        folded[rare], kinds[rare] = codes[rare], 2
    return folded, kinds


def _words(folded: NDArray[np.uint32]) -> tuple[U64, NDArray[np.int64]]:
    """Return the hash and the place of each word.

    With H_i the sum of c_j base^j over j ≤ i, the word from s to e hashes to
    (H_e - H_{s-1}) base^-s, which does not depend on its place.
    """
    powers, inverses = _powers()
    is_word = folded != 0
    is_ideograph = folded >= _IDEOGRAPHS_FROM
    begins, ends = is_word.copy(), is_word.copy()
    continues = is_word[:-1] & is_word[1:] & ~is_ideograph[:-1] & ~is_ideograph[1:]
    begins[1:] &= ~continues
    ends[:-1] &= ~continues
    start, end = np.flatnonzero(begins), np.flatnonzero(ends)
    sums = np.zeros(len(folded) + 1, np.uint64)
    np.cumsum(folded * powers[: len(folded)], out=sums[1:])
    return (sums[end + 1] - sums[start]) * inverses[start], start


def _shingles(words: U64, document: NDArray[np.int64]) -> U64:
    """Return a hash of each word with the next four words of its document."""
    hashes = words.copy()
    for ahead in range(1, _SHINGLE_WORDS):
        hashes *= np.uint64(_BASE)
        same = document[ahead:] == document[:-ahead]
        hashes[:-ahead] += np.where(same, words[ahead:], np.uint64(0))
    hashes ^= hashes >> _HALF
    hashes *= _MIX
    return hashes ^ (hashes >> _HALF)
