"""Scenarios that this browser may open, as lists and cards show them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from finance.scenarios.store import ListedScenario
from pages.parts.scenarios.browser import is_this_machine
from pages.parts.scenarios.stored import is_sample_id
from pages.parts.session import scenario_session, store

Group = Literal["mine", "other_browser", "sample"]


@dataclass(frozen=True, slots=True)
class Card:
    """A scenario in a list."""

    id: str
    name: str
    version: int
    saved_at: datetime.datetime
    tags: tuple[str, ...]
    group: Group
    """Whether it is this browser's, another browser's of this machine, or a sample."""
    draft_at: datetime.datetime | None
    """Time of this browser's last draft of it; None if it has none."""

    @property
    def is_deletable(self) -> bool:
        """Whether it can be moved to the trash: it is this browser's, and no sample's id."""
        return self.group == "mine" and not is_sample_id(self.id)


def cards(*, deleted: bool = False) -> list[Card]:
    """Return the scenarios that this browser may open, or those that it has in the trash.

    Its own come first, the last saved first; then samples, then those of other browsers.
    """
    browser = scenario_session().browser
    drafts = store().drafts.changed(browser) if browser is not None else {}
    found = []
    for listed in store().listed(deleted=deleted):
        group = _group(listed, browser)
        if group is not None:
            found.append(
                Card(
                    listed.id,
                    listed.name,
                    listed.version,
                    listed.saved_at,
                    listed.tags,
                    group,
                    drafts.get(listed.id),
                )
            )
    order: dict[Group, int] = {"mine": 0, "sample": 1, "other_browser": 2}
    return sorted(found, key=lambda card: order[card.group])


def own_names() -> dict[str, str]:
    """Return the names of this browser's scenarios and of the samples by id, sorted by name."""
    named = {card.id: card.name for card in cards() if card.group != "other_browser"}
    return dict(sorted(named.items(), key=lambda item: item[1]))


def _group(listed: ListedScenario, browser: str | None) -> Group | None:
    if is_sample_id(listed.id) and listed.version == 1:
        return "sample"
    if browser in listed.editors or (not listed.editors and is_this_machine()):
        return "mine"
    return "other_browser" if is_this_machine() else None
