"""Changes of a list in the draft: add, duplicate, move and remove an entry.

A refused change is kept as an error of the list, which its table shows. Errors of the entries' own
fields follow their entries to their new positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.document_paths import field_name, value_at
from finance.company.defaults import default_entry
from finance.company.provenance import OriginKind
from finance.company.scenario import Scenario
from finance.revenue.prices import REPORTING_CURRENCY
from pages.parts.entry_lists.opened import close_entry, open_entry
from pages.parts.session import draft, scenario_session, text

REMOVED = "removed_entry"
"""Key of the list, the name and the draft after the last removal, for the offer to undo it."""
_MONTHS = ("month", "launch_month", "first_month", "start_month")


def add_entry(path: str, kind: str) -> None:
    """Add an entry of a kind with default values, and open it."""
    entries = as_json(path)
    if _change(path, [*entries, new_entry(path, kind)], lambda index: index, by="default"):
        open_entry(f"{path}.{len(entries)}")


def duplicate_entry(path: str, index: int) -> None:
    """Insert a copy of an entry after it, and open the copy."""
    entries = as_json(path)
    copy = dict(entries[index])
    label = "title" if "title" in copy else "name"
    copy[label] = unused_name(copy[label], [entry[label] for entry in entries])
    entries.insert(index + 1, copy)
    if _change(path, entries, lambda place: place + (place > index)):
        open_entry(f"{path}.{index + 1}")


def move_entry(path: str, index: int, by: int) -> None:
    """Exchange an entry with its neighbour before it (−1) or after it (+1)."""
    entries = as_json(path)
    other = index + by
    if 0 <= other < len(entries):
        entries[index], entries[other] = entries[other], entries[index]
        _change(path, entries, lambda place: {index: other, other: index}.get(place, place))


def remove_entry(path: str, index: int) -> None:
    """Remove an entry; the table offers to undo this."""
    entries = as_json(path)
    removed = entries.pop(index)
    name = str(removed.get("name") or removed.get("title"))
    if _change(path, entries, lambda place: None if place == index else place - (place > index)):
        st.session_state[REMOVED] = (path, name, draft())
    close_entry()


def removed_name(path: str) -> str | None:
    """Return the name of the entry that the last change removed from a list."""
    found: tuple[str, str, Scenario] | None = st.session_state.get(REMOVED)
    return found[1] if found is not None and found[0] == path and found[2] is draft() else None


def new_entry(path: str, kind: str) -> dict[str, Any]:
    """Return an entry with default values: its months are inside the plan, its currency is that of
    the company, and its name is in the session's language.
    """
    table = field_name(path)
    entry = default_entry(table, kind)
    label = "title" if "title" in entry else "name"
    used = [str(getattr(other, label)) for other in value_at(draft(), path)]
    entry[label] = unused_name(text()(f"entry_new.{table}.{kind}"), used)
    horizon = draft().company.horizon_months
    for name in _MONTHS:
        if name in entry:
            entry[name] = min(entry[name], horizon)
    if table == "inflows" and draft().company.capital is not None:
        entry["kind"] = "debt"  # with a cap table, its events alone bring equity
    currency = company_currency()
    if table in ("revenue_lines", "spending", "data") and currency != REPORTING_CURRENCY:
        entry["currency"] = currency
    return entry


def company_currency() -> str:
    """Return the currency of the cap table if it has an exchange rate, or else USD."""
    company = draft().company
    currency = REPORTING_CURRENCY if company.capital is None else company.capital.opening.currency
    return currency if currency in company.exchange_rates else REPORTING_CURRENCY


def unused_name(name: str, used: list[str]) -> str:
    """Return a name that no entry has, with a number if it is taken: Marketing 2."""
    stem, _, number = name.rpartition(" ")
    if not (stem and number.isdigit()):
        stem = name
    found, count = name, 2
    while found in used:
        found, count = f"{stem} {count}", count + 1
    return found


def as_json(path: str) -> list[dict[str, Any]]:
    """Return the documents of a list as plain data."""
    return [document.model_dump(mode="json") for document in value_at(draft(), path)]


def _change(
    path: str,
    entries: list[dict[str, Any]],
    moved: Callable[[int], int | None],
    by: OriginKind = "user",
) -> bool:
    """Replace a list; ``moved`` gives the new position of an entry, None if it is removed."""
    session = scenario_session()
    errors = dict(session.errors)
    if not session.change_list(path, entries, by=by):
        return False
    session.errors = {
        renamed: error
        for place, error in errors.items()
        if (renamed := _moved_path(path, place, moved)) is not None
    }
    return True


def _moved_path(path: str, place: str, moved: Callable[[int], int | None]) -> str | None:
    """Return the new path of a field, None if its entry or the list's own error is gone."""
    if place == path:
        return None
    if not place.startswith(f"{path}."):
        return place
    index, _, rest = place.removeprefix(f"{path}.").partition(".")
    position = moved(int(index))
    return None if position is None else f"{path}.{position}.{rest}"
