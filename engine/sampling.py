"""How text is drawn from a model: what a person may ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import Seed

MAX_PROMPT_CHARS = 20_000


class Sampling(Document):
    """The order is that of ``transformers``: temperature, then ``top_k``, then ``top_p``."""

    tokens: Annotated[int, Field(ge=1, le=4_096)] = 100
    """At most; an end-of-text token ends it before."""
    temperature: Annotated[float, Field(ge=0, le=5)] = 0.8
    """0 always takes the likeliest token."""
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Only so many of the likeliest tokens are drawn from; 0 for all (Fan 2018)."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Only the fewest tokens that together have this probability (Holtzman 2020)."""
    seed: Seed = 1


def checked_prompt(prompt: str) -> str:
    """The prompt itself; InputError if it is too long, or not text that UTF-8 can write."""
    if len(prompt) > MAX_PROMPT_CHARS:
        raise InputError("prompt", prompt[:100], "at_most_characters", limit=MAX_PROMPT_CHARS)
    try:
        prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("prompt", f"character {error.start}", "unicode_text") from None
    return prompt
