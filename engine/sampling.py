"""Settings for generating text with a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import Seed

MAX_PROMPT_CHARS = 20_000


class Sampling(Document):
    """Settings of sampling, applied in the order of ``transformers``: temperature, top k, top p."""

    tokens: Annotated[int, Field(ge=1, le=4_096)] = 100
    """Largest number of tokens; an end-of-text token ends the text earlier."""
    temperature: Annotated[float, Field(ge=0, le=5)] = 0.8
    """Divisor of the logits; at 0 the likeliest token is always taken."""
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Number of likeliest tokens to draw from; 0 for all (Fan 2018)."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Draw from the fewest tokens that together have this probability (Holtzman 2020)."""
    seed: Seed = 1


def checked_prompt(prompt: str) -> str:
    """Return the prompt; raise InputError if it is too long or cannot be encoded as UTF-8."""
    if len(prompt) > MAX_PROMPT_CHARS:
        raise InputError("prompt", prompt[:100], "at_most_characters", limit=MAX_PROMPT_CHARS)
    try:
        prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("prompt", f"character {error.start}", "unicode_text") from None
    return prompt
