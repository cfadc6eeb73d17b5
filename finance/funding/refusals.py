"""Refused changes of a cap table in words: the event with its name and day, the field, the reason.

A change of one event can make another event impossible, for example if a smaller round leaves too
few options in the pool for a later grant. The sentence then names that other event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import quantities
from engine.documents import NO_VALUE, InputError
from engine.text import Catalog

_EVENT_PATH = re.compile(r"company\.capital\.events\.(\d+)\.?(.*)")
_NUMBER = re.compile(r"-?\d[\d,]*(\.\d+)?")
_MONTH_CHARS = len("2027-01")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Reason why a change of the events was refused."""

    place: int | None
    """Index of the event among those that were tried; None if the reason is no event."""
    field: str
    """Dotted path of the field in the event; empty if the reason is no single field."""
    sentence: str
    """The reason with the name and the month of the event."""
    at_field: str
    """The reason without the name of the event, to be shown at the field."""


def refusal(text: Catalog, error: InputError, events: Sequence[Mapping[str, Any]]) -> Refusal:
    """Return an error in words.

    Parameters
    ----------
    events
        The events that were tried, as plain data.
    """
    found = _EVENT_PATH.fullmatch(error.field)
    if found is None or int(found[1]) >= len(events):
        line = error.in_language(text.language)
        return Refusal(None, "", line, line)
    place, field = int(found[1]), found[2]
    event = events[place]
    name, month = _name(text, event), str(event.get("date", ""))[:_MONTH_CHARS]
    limits = {key: _grouped(limit, text.language) for key, limit in error.params.items()}
    value = _grouped(error.value, text.language)
    params = {**limits, "value": value, "event": name, "date": month}
    allowed = text(f"error.{error.rule}", **limits)
    at_field = text("funding.refused.at_field", value=value, allowed=allowed)
    if error.value == NO_VALUE:
        at_field = allowed
    key = f"funding.refused.{error.rule}"
    if key in text:
        sentence = text(key, **params)
    else:
        sentence = text(
            "funding.refused.event",
            event=name,
            date=month,
            label=field_label(text, field),
            reason=at_field,
        )
    return Refusal(place, field, sentence, sentence if key in text else at_field)


def _grouped(value: object, language: str) -> object:
    """Return a number in text with thousands separators and without empty decimals."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return quantities.exact(Decimal(value.replace(",", "")), language)
    return value


def field_label(text: Catalog, field: str) -> str:
    """Return the label of a field of an event; ``field`` is a path such as ``pool.value``."""
    parts = [part for part in field.split(".") if not part.isdigit()]
    keys = [f"funding.field.{name}" for name in ("_".join(parts), parts[-1] if parts else "")]
    return next((text(key) for key in keys if key in text), field)


def _name(text: Catalog, event: Mapping[str, Any]) -> str:
    own = event.get("series") if event.get("kind") == "priced_round" else event.get("name")
    if own:
        return str(own)
    key = f"funding.kind.{event.get('kind')}"
    return text(key) if key in text else str(event.get("kind", ""))
