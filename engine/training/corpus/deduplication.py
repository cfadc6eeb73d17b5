"""Detection of exact and near duplicates among the documents of a corpus.

Digests and MinHash signatures are memory-mapped files. Some tens of bytes per document are held in
memory, because locality-sensitive hashing sorts one band of slots at a time.

References
----------
Indyk 1998, Approximate nearest neighbors: bands of a signature find similar documents.
Lee 2022, Deduplicating training data makes language models better, section 4.2: five-word
shingles, a threshold of 0.8, connected components. Lee's final decision is by edit distance; here
it is by the similarity that the whole signature estimates.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from engine.training.corpus.minhash import SIGNATURE_SLOTS

Index = NDArray[np.int64]
"""Numbers of documents, shape (n,)."""

_ROWS_AT_A_TIME = 8_192
_RECALL = 0.9
_MIX = np.uint64(0x9E3779B97F4A7C15)


def exact_originals(digests: NDArray[np.uint64]) -> Index:
    """Return, for each document, the first document with an equal digest, which may be itself.

    ``digests`` has shape (documents, 2); the result has shape (documents,).
    """
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: equal digests stay in order
    ordered = digests[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return _first_of_group(order, is_new)


def near_originals(signatures: NDArray[np.uint32], among: Index, similarity: float) -> Index:
    """Return, for each document of ``among``, the first document of its group of near duplicates.

    Groups are connected components: a document may be similar to the first one only through others.
    ``signatures`` has shape (all documents, SIGNATURE_SLOTS); ``among`` is ascending, shape (n,).
    The result has shape (n,) and holds positions in ``among``.
    """
    rows = rows_per_band(similarity)
    pairs = [np.zeros((0, 2), np.int64)]
    for first in range(0, SIGNATURE_SLOTS, rows):
        keys = _band_keys(signatures, among, slice(first, first + rows))
        for found in _pairs(keys):
            near = _similarities(signatures, among[found[:, 0]], among[found[:, 1]]) >= similarity
            pairs.append(found[near])
    edges = np.concatenate(pairs)
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), (len(among),) * 2)
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    is_new = np.ones(len(order), bool)
    is_new[1:] = labels[order][1:] != labels[order][:-1]
    return _first_of_group(order, is_new)


def rows_per_band(similarity: float) -> int:
    """Return the slots per band: the most that find 90% of the pairs whose similarity is ``s``.

    The share of such pairs that become candidates is 1 - (1 - s^rows)^bands.
    """
    rows = SIGNATURE_SLOTS
    while rows > 1 and 1 - (1 - similarity**rows) ** (SIGNATURE_SLOTS // rows) < _RECALL:
        rows //= 2
    return rows


def _first_of_group(order: Index, is_new: NDArray[np.bool_]) -> Index:
    """Return each document's first group member; ``is_new`` marks the starts in ``order``."""
    originals = np.empty_like(order)
    originals[order] = order[np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))]
    return originals


def _band_keys(signatures: NDArray[np.uint32], among: Index, band: slice) -> NDArray[np.uint64]:
    """Return a hash of one band's slots for each document of ``among``, shape (n,)."""
    keys = np.empty(len(among), np.uint64)
    for start in range(0, len(among), _ROWS_AT_A_TIME):
        slots = signatures[among[start : start + _ROWS_AT_A_TIME], band].astype(np.uint64)
        key = np.zeros(len(slots), np.uint64)
        for column in slots.T:
            key = (key ^ column) * _MIX
            key ^= key >> np.uint64(29)
        keys[start : start + _ROWS_AT_A_TIME] = key
    return keys


def _pairs(keys: NDArray[np.uint64]) -> Iterator[Index]:
    """Yield pairs of documents with equal keys, shape (pairs, 2).

    Each document is paired with the first of its key and with its predecessor. All pairs would be
    too many if a thousand documents share their boilerplate.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    later = np.flatnonzero(~is_new)
    first = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))[later]
    yield np.stack((order[first], order[later]), axis=1)
    before = later[later - 1 > first]
    yield np.stack((order[before - 1], order[before]), axis=1)


def _similarities(signatures: NDArray[np.uint32], left: Index, right: Index) -> NDArray[np.float64]:
    """Return the share of equal slots of each pair, which estimates the Jaccard similarity."""
    similar = np.empty(len(left))
    for start in range(0, len(left), _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        similar[part] = (signatures[left[part]] == signatures[right[part]]).mean(axis=1)
    return similar
