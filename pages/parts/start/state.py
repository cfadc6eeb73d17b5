"""State of the page Start in a browser session: its view, and the answers for a new company."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from engine.document_paths import value_or_none
from engine.documents import InputError
from finance.books.months import date_of_month
from finance.start.answers import Product, StartAnswers
from finance.start.kept_answers import forget_answers, keep_answers, kept_answers
from pages.parts.session import scenario_session, text

View = Literal["home", "new", "import"]
STEPS = ("make", "size", "compute", "sales", "people", "money")
"""The six steps in order; each has a title and a question in the catalogs."""

_KEY = "start_state"


@dataclass
class StartState:
    """Answers so far, the step on the screen, and the fields that are typed wrongly."""

    view: View = "home"
    step: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    """The answers as plain data of :class:`~finance.start.answers.StartAnswers`."""
    errors: dict[str, InputError] = field(default_factory=dict)
    """Reason why the text in a field was refused, by the path of the answer."""
    revision: int = 0
    """Number of the current set of widgets; see :mod:`pages.parts.session`."""

    @property
    def document(self) -> StartAnswers:
        """The answers as a validated document; every change was validated before it was kept."""
        return StartAnswers.parse(self.answers)

    def value(self, path: str) -> Any:
        """Return the answer at a dotted path, or None."""
        return value_or_none(self.answers, path)

    def set(self, changes: Mapping[str, object]) -> None:
        """Change answers by their paths; a refused value is marked and leaves all as they were."""
        changed = copy.deepcopy(self.answers)
        for path, value in changes.items():
            _put(changed, path, value)
        try:
            StartAnswers.parse(changed)
        except InputError as error:
            self.errors |= dict.fromkeys(changes, error)
            return
        self.answers = changed
        for path in changes:
            self.errors.pop(path, None)
        self.keep()

    def begin(self, product: Product, *, step: int = 0) -> None:
        """Begin a new company of a kind, with no answer but its name and its first month."""
        self.view, self.step, self.errors = "new", step, {}
        self.answers = {
            "name": text()("start.new_name"),
            "first_month": str(next_month()),
            "product": product,
            "languages": ["zh", "en"] if text().language == "zh_Hans" else ["en"],
            "country": "CN" if text().language == "zh_Hans" else "US",
        }
        self.revision += 1
        self.keep()

    def go(self, step: int) -> None:
        """Show another step; the answers stay."""
        self.step = min(max(step, 0), len(STEPS) - 1)
        self.keep()

    def keep(self) -> None:
        """Keep the answers for this browser, so that a reload does not lose them."""
        keep_answers(scenario_session().browser, self.step, self.answers)

    def finish(self) -> None:
        """Forget the answers, which have become a scenario."""
        self.view, self.step, self.answers, self.errors = "home", 0, {}, {}
        forget_answers(scenario_session().browser)

    def show(self, view: View) -> None:
        """Show another view; the answers stay."""
        self.view = view


def start_state() -> StartState:
    """Return this browser session's state."""
    if _KEY not in st.session_state:
        kept = kept_answers(scenario_session().browser)
        found = StartState() if kept is None else StartState("new", kept[0], kept[1])
        st.session_state[_KEY] = found
    state: StartState = st.session_state[_KEY]
    return state


def answers_json(state: StartState) -> str:
    """Return the answers as canonical JSON, by which results are cached."""
    return json.dumps(state.answers, sort_keys=True, ensure_ascii=False)


def today() -> datetime.date:
    """Return the day of today in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def next_month() -> datetime.date:
    """Return the first day of the next month, the usual first month of a plan."""
    return date_of_month(today().replace(day=1), 2)


def _put(data: dict[str, Any], path: str, value: object) -> None:
    """Set the value at a path of plain data; tables above it that are missing are added."""
    *above, name = path.split(".")
    place: Any = data
    for part in above:
        if isinstance(place, list):
            place = place[int(part)]
        else:
            if place.get(part) is None:
                place[part] = {}
            place = place[part]
    if isinstance(place, list):
        place[int(name)] = value
    else:
        place[name] = value
