"""Staging of a corpus: cleaned and fingerprinted documents in files.

Everything that grows with the corpus is on disk. A folder holds the cleaned texts one after the
other, with their names, lengths, digests and signatures.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.corpora.choice import CorpusChoice
from engine.corpora.sources import Part, read_part
from engine.results import Dropped
from engine.training.corpus.cleaning import clean
from engine.training.corpus.deduplication import Index, exact_originals, near_originals
from engine.training.corpus.minhash import SIGNATURE_SLOTS, fingerprint_texts

SPLIT_SEED = 0
"""Seed of the split; it is fixed so that runs of different seeds share held-out documents."""

_EXAMPLES = 5
"""Number of dropped documents that a report names, for each reason."""


@dataclass(slots=True)
class CleanedBatch:
    """Result of reading and cleaning some documents."""

    names: list[str]
    texts: list[bytes]
    """Cleaned texts of the kept documents, in UTF-8."""
    digests: NDArray[np.uint64]
    """Digests of the kept documents, shape (documents, 2)."""
    signatures: NDArray[np.uint32]
    """MinHash signatures of the kept documents, shape (documents, SIGNATURE_SLOTS)."""
    n_read: int
    """Number of documents read, including dropped ones."""
    n_read_bytes: int
    """Size of all cleaned texts, including dropped ones."""
    changed: Counter[str]
    """Number of documents that each kind of cleaning changed."""
    dropped: list[tuple[str, str, int]]
    """Reason, name and size in bytes of each dropped document."""


def clean_batch(parts: Sequence[Part], choice: CorpusChoice) -> CleanedBatch:
    """Read, clean and fingerprint documents; runs in a worker process.

    Raises
    ------
    InputError
        As :func:`read_part`.
    """
    n_read = n_read_bytes = 0
    changed: Counter[str] = Counter()
    dropped: list[tuple[str, str, int]] = []
    names, texts, encoded = [], [], []
    for part in parts:
        for name, raw in read_part(part, choice.text_field):
            n_read += 1
            if choice.normalise:
                cleaned = clean(raw)
                text = cleaned.text
                changed.update(cleaned.changes)
            else:
                text = raw.encode("utf-8", "replace").decode()  # halves of surrogate pairs
            as_bytes = text.encode()
            n_read_bytes += len(as_bytes)
            if len(text) < choice.min_characters:
                dropped.append(("too_short", name, len(as_bytes)))
            else:
                names.append(name)
                texts.append(text)
                encoded.append(as_bytes)
    found = fingerprint_texts(texts, encoded)
    is_text = found.letter_shares >= choice.min_letter_share
    dropped.extend(
        ("not_letters", names[i], len(encoded[i])) for i in np.flatnonzero(~is_text).tolist()
    )
    kept = np.flatnonzero(is_text).tolist()
    return CleanedBatch(
        names=[names[i] for i in kept],
        texts=[encoded[i] for i in kept],
        digests=found.digests[is_text],
        signatures=found.signatures[is_text],
        n_read=n_read,
        n_read_bytes=n_read_bytes,
        changed=changed,
        dropped=dropped,
    )


@dataclass
class DroppedDocuments:
    """Counts, sizes and first examples of dropped documents, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    n_bytes: Counter[str] = field(default_factory=Counter)
    examples: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: str, example: str, n_bytes: int) -> None:
        self.counts[reason] += 1
        self.n_bytes[reason] += n_bytes
        if len(self.examples[reason]) < _EXAMPLES:
            self.examples[reason].append(example)

    def report(self) -> tuple[Dropped, ...]:
        return tuple(
            Dropped(
                reason=reason,
                n_documents=n,
                n_bytes=self.n_bytes[reason],
                examples=tuple(self.examples[reason]),
            )
            for reason, n in self.counts.items()
        )


class Staging:
    """Folder of staged documents: written once by :meth:`write`, then read in any order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.n_read = self.n_read_bytes = 0
        self.changed: Counter[str] = Counter()
        self.dropped = DroppedDocuments()

    @property
    def texts_file(self) -> Path:
        return self.folder / "texts"

    def write(self, batches: Iterable[CleanedBatch]) -> None:
        """Append all batches to the files, in their order."""
        names = ("texts", "names", "lengths", "digests", "signatures")
        files = [(self.folder / name).open("wb") for name in names]
        texts, ids, lengths, digests, signatures = files
        for batch in batches:
            texts.write(b"".join(batch.texts))
            ids.write("".join(f"{_one_line(name)}\n" for name in batch.names).encode())
            lengths.write(np.array([len(text) for text in batch.texts], np.uint32).tobytes())
            digests.write(batch.digests.tobytes())
            signatures.write(batch.signatures.tobytes())
            self.n_read += batch.n_read
            self.n_read_bytes += batch.n_read_bytes
            self.changed += batch.changed
            for reason, name, n_bytes in batch.dropped:
                self.dropped.add(reason, _one_line(name), n_bytes)
        for file in files:
            file.close()

    def lengths(self) -> NDArray[np.uint32]:
        """Return the size of each text in bytes, shape (documents,)."""
        return np.fromfile(self.folder / "lengths", np.uint32)

    def drop_duplicates(self, similarity: float) -> Index:
        """Return the numbers of the documents that repeat no earlier one, ascending.

        Documents are near duplicates from a Jaccard similarity of ``similarity`` on; at 1, only
        exact duplicates are dropped. Dropped documents are counted in :attr:`dropped`.
        """
        lengths = self.lengths()
        if not len(lengths):
            return np.zeros(0, np.int64)
        digests = np.fromfile(self.folder / "digests", np.uint64).reshape(-1, 2)
        originals = exact_originals(digests)
        del digests
        all_documents = np.arange(len(lengths))
        self._drop("exact_duplicate", all_documents, originals, lengths)
        kept = np.flatnonzero(originals == all_documents)
        if similarity < 1:
            signatures = np.memmap(self.folder / "signatures", np.uint32, "r")
            near = kept[near_originals(signatures.reshape(-1, SIGNATURE_SLOTS), kept, similarity)]
            self._drop("near_duplicate", kept, near, lengths)
            kept = kept[near == kept]
        return kept

    def _drop(
        self, reason: str, documents: Index, originals: Index, lengths: NDArray[np.uint32]
    ) -> None:
        """Count the documents that are not their own original, with some pairs as examples."""
        repeated = np.flatnonzero(documents != originals)
        if not len(repeated):
            return
        pairs = [(int(documents[i]), int(originals[i])) for i in repeated[:_EXAMPLES]]
        names = self._names({index for pair in pairs for index in pair})
        for left, right in pairs:
            self.dropped.add(reason, f"{names[left]} = {names[right]}", 0)
        self.dropped.counts[reason] += len(repeated) - len(pairs)
        self.dropped.n_bytes[reason] += int(lengths[documents[repeated]].sum())

    def _names(self, wanted: set[int]) -> dict[int, str]:
        if not wanted:
            return {}
        last = max(wanted)
        found = {}
        with (self.folder / "names").open(encoding="utf-8", newline="\n") as file:
            for index, line in enumerate(file):
                if index in wanted:
                    found[index] = line.rstrip("\n")
                if index == last:
                    break
        return found

    def read(self, documents: Index) -> Iterator[str]:
        """Yield the texts of ``documents``, which are in ascending order."""
        lengths = self.lengths()
        starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        with self.texts_file.open("rb") as file:
            for index in documents:
                file.seek(int(starts[index]))
                yield file.read(int(lengths[index])).decode()


def _one_line(name: str) -> str:
    return name.encode("utf-8", "replace").decode().replace("\n", " ")


def held_out_mask(n_documents: int, held_out_share: float) -> NDArray[np.bool_]:
    """Return whether each document is held out, shape (n_documents,).

    At least one document is held out and never all; the choice is the same at every call.
    """
    order = array("q", range(n_documents))
    random.Random(SPLIT_SEED).shuffle(order)
    n_held_out = min(max(1, round(held_out_share * n_documents)), n_documents - 1)
    is_held_out = np.zeros(n_documents, bool)
    is_held_out[np.frombuffer(order, np.int64)[:n_held_out]] = True
    return is_held_out
