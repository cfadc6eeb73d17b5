"""Input fields of the scenario: label, unit and help from the catalog, kind from the document.

``field(path)`` draws the widget that fits the type of the field at a dotted path, and writes what
is typed into the draft. A number in a path is an index in a list. Numbers are typed as text, with
thousands separators, so that no digit is cut; 2.2M, 220万 and 2,200,000 are the same number. An
input that the document refuses stays in its field, with the reason below it; see
:mod:`pages.parts.field_errors`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, get_args

import streamlit as st
from babel.dates import get_month_names

from engine.currencies import exchange_rates as known_rates
from engine.currencies import usd_per_unit
from engine.document_paths import field_name, parent_path, value_at, value_or_none
from engine.documents import InputError
from engine.facts import accelerators
from engine.plan import on_accelerator
from finance.books.months import date_of_month
from finance.revenue.prices import REPORTING_CURRENCY
from pages.parts.field_errors import FieldError
from pages.parts.field_words import field_texts_of, option_in_words, pattern_of
from pages.parts.jump import finish_jump
from pages.parts.kinds import FieldKind, Style, kind_of
from pages.parts.session import draft, scenario_session, text
from pages.parts.typed_values import parsed, shown
from pages.parts.user_text import escaped_markdown

NO_MONTH = 0
"""Choice of a month field that is left empty."""
_STYLES_OF_CHOICE = frozenset({"choice", "month", "calendar_month", "currency"})
_STYLES_OF_TEXT = frozenset({"text", "count", "whole", "number", "percent"})


def fields(prefix: str, names: Sequence[str], n_columns: int = 2) -> None:
    """Draw fields of one part of the scenario, ``n_columns`` in a row."""
    for start in range(0, len(names), n_columns):
        row = names[start : start + n_columns]
        for column, name in zip(st.columns(n_columns, vertical_alignment="top"), row, strict=False):
            with column:
                field(f"{prefix}.{name}" if prefix else name)


def field(
    path: str,
    *,
    options: Mapping[str, str] | None = None,
    on_change: Callable[..., None] | None = None,
) -> None:
    """Draw one field of the session's draft, and the reason if its input is not accepted.

    Parameters
    ----------
    path
        Dotted path, such as ``plan.cluster.n_devices``. The catalogs have its texts under
        ``field``.
    options
        Values and their labels, if the value is chosen from a table.
    on_change
        Called with the path and the widget's key instead of writing the value to the draft.
    """
    session = scenario_session()
    value, kind = value_at(session.draft, path), kind_of(session.draft, path)
    style = kind.style(field_name(path))
    error = session.errors.get(path)
    key = f"field.{path}#{session.revision}"
    label, help_text = _label(path, kind), field_texts(path)[1]
    common: dict[str, Any] = {"label": label, "help": help_text, "key": key}
    if session.is_read_only:
        common["disabled"] = True
    if options is not None or style in _STYLES_OF_CHOICE:
        labels = options or _options(path, kind, style, value)
        state = value if error is None else error.typed
        if style == "month":
            # The labels follow the first month, and a select box returns its option by label.
            common["key"] = f"{key}.{draft().company.first_month:%Y-%m}"
            state = NO_MONTH if state is None else state
        take = _take_currency if style == "currency" else _take_choice
        _choice(path, labels, state, common, on_change or take)
    elif style == "switch":
        state = value if error is None else error.typed
        st.toggle(value=state, on_change=on_change or _take, args=(path, key), **common)
    elif style == "date":
        state = value if error is None else error.typed
        st.date_input(value=state, on_change=on_change or _take_date, args=(path, key), **common)
    else:
        state = shown(style, value, text().language) if error is None else error.typed
        st.text_input(value=state, on_change=on_change or _take_text, args=(path, key), **common)
    if error is not None:
        draw_error(path, error, _kept(path, style, value))


def field_texts(path: str) -> tuple[str, str | None]:
    """Return a field's label and help.

    They are the texts of its path, or else those of all fields with its name.
    """
    return field_texts_of(pattern_of(path), text().language)


def option_label(path: str, option: object) -> str:
    """Return the label of a value that is chosen from a list."""
    return option_in_words(field_name(path), option, text().language)


def currency_of(path: str) -> str:
    """Return the currency of the amounts in the document that holds a field."""
    above = parent_path(path)
    while above:
        currency = value_or_none(draft(), f"{above}.currency")
        if currency is not None:
            return str(currency)
        above = parent_path(above)
    return REPORTING_CURRENCY


def month_in_words(month: int) -> str:
    """Return a month of the company with its calendar month, such as 9 · 2027-09."""
    return _month_label(draft().company.first_month, month)


def accelerator_field() -> None:
    """Draw the choice of the plan's accelerator.

    Choosing another also sets a precision that it supports and a published price of it.
    """
    field(
        "plan.cluster.accelerator",
        options={row.accelerator: row.name for row in accelerators().values()},
        on_change=_take_accelerator,
    )


def draw_error(path: str, error: FieldError, kept: str = "") -> None:
    """Draw the reason why an input is not accepted; the line above the page links to it."""
    words = escaped_markdown(error.in_words(text(), path, kept))
    st.markdown(
        f'<span id="{anchor_of(path)}" class="field-error" role="alert">'
        f":red[:material/error: {words}]</span>",
        unsafe_allow_html=True,
    )
    finish_jump(path, anchor_of(path))


def anchor_of(path: str) -> str:
    """Return the id of the element that shows a field's error."""
    return "field-" + path.replace(".", "-")


def from_percent(typed: float) -> str:
    """Return a share from a percentage: 12.5 becomes "0.125"."""
    return str(round(Decimal(repr(typed)) / 100, 6))


def _label(path: str, kind: FieldKind) -> str:
    """Return a field's label with its unit; that of an amount is the currency of its entry."""
    label = field_texts(path)[0]
    if kind.is_in_currency(field_name(path)):
        return text()("field_error.with_unit", label=label, unit=currency_of(path))
    return label


def _kept(path: str, style: Style, value: Any) -> str:
    """Return the text of a value that stays in use while another input is refused."""
    if value is None or style not in _STYLES_OF_TEXT:
        return ""
    kept = shown(style, value, text().language)
    return f"{kept}%" if style == "percent" else kept


def _options(path: str, kind: FieldKind, style: Style, value: Any) -> dict[Any, str]:
    if style == "choice":
        return {option: option_label(path, option) for option in get_args(kind.type)}
    if style == "calendar_month":
        names = get_month_names(context="stand-alone", locale=text().language)
        return dict(names.items())
    if style == "currency":
        return {code: code for code in (*_currencies(), value)}
    return _months(kind.optional, value)


def _currencies() -> list[str]:
    """Return the company's currencies, and then the others with a dated rate."""
    return list(
        dict.fromkeys((REPORTING_CURRENCY, *draft().company.exchange_rates, *known_rates()))
    )


def _months(optional: bool, value: int | None) -> dict[int, str]:
    """Return the months of the plan with their calendar months, and a value beyond them."""
    company = draft().company
    empty = text()("field_error.until_end") if optional else ""
    return _month_labels(company.first_month, max(company.horizon_months, value or 1), empty)


@lru_cache(maxsize=256)
def _month_labels(first_month: datetime.date, last: int, empty: str) -> dict[int, str]:
    """Return the labels of the months up to ``last``, and of no month if ``empty`` has a text."""
    first = {NO_MONTH: empty} if empty else {}
    return first | {month: _month_label(first_month, month) for month in range(1, last + 1)}


def _month_label(first_month: datetime.date, month: int) -> str:
    return f"{month} · {date_of_month(first_month, month):%Y-%m}"


def _choice(
    path: str,
    labels: Mapping[Any, str],
    state: Any,
    common: Mapping[str, Any],
    on_change: Callable[..., None],
) -> None:
    choices = list(labels)
    st.selectbox(
        options=choices,
        index=choices.index(state) if state in labels else 0,
        on_change=on_change,
        args=(path, common["key"]),
        format_func=lambda choice: labels[choice],
        **common,
    )


def _take(path: str, key: str) -> None:
    typed = st.session_state[key]
    scenario_session().change_field(path, typed, typed)


def _take_choice(path: str, key: str) -> None:
    session, typed = scenario_session(), st.session_state[key]
    is_month = kind_of(session.draft, path).style(field_name(path)) == "month"
    session.change_field(path, None if is_month and typed == NO_MONTH else typed, typed)


def _take_currency(path: str, key: str) -> None:
    """Change a currency; a currency that the company does not use yet comes with its dated rate."""
    session, code = scenario_session(), st.session_state[key]
    rates, rate = draft().company.exchange_rates, usd_per_unit(code)
    if code != REPORTING_CURRENCY and code not in rates and rate is not None:
        session.change({f"company.exchange_rates.{code}": rate}, keep_input="if_accepted",
                       by="default")  # fmt: skip
    session.change_field(path, code, code)


def _take_date(path: str, key: str) -> None:
    typed: datetime.date | None = st.session_state[key]
    scenario_session().change_field(path, None if typed is None else typed.isoformat(), typed)


def _take_text(path: str, key: str) -> None:
    """Write typed text to the draft; the field then shows it with its grouping."""
    session, typed = scenario_session(), st.session_state[key]
    kind = kind_of(session.draft, path)
    style = kind.style(field_name(path))
    try:
        value = parsed(path, kind, style, typed, currency_of(path))
    except InputError as error:
        session.refuse_field(path, error, typed)
        return
    if session.change_field(path, value, typed):
        st.session_state[key] = shown(style, value_at(session.draft, path), text().language)


def _take_accelerator(path: str, key: str) -> None:
    session = scenario_session()
    plan = on_accelerator(session.draft.plan, st.session_state[key])
    session.replace_draft(session.draft.model_copy(update={"plan": plan}))
