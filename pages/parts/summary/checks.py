"""Checks of the plan with one-click mends, and the next three actions."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from finance.verdict.findings import Check, Status
from finance.verdict.mends import Mend
from finance.verdict.verdict import Verdict
from pages.parts.session import scenario_session, text
from pages.parts.summary.wording import check_in_words, mend_in_words, rules_in_words
from pages.parts.user_text import escaped_markdown

ACTIONS = 3
_SHOWN = 3
"""Checks that are shown at once, so that the page stays on one screen; the others open below."""
_MARKS = {
    Status.OK: ":green[:material/check_circle:]",
    Status.CAUTION: ":orange[:material/warning:]",
    Status.FAILS: ":red[:material/cancel:]",
}


def draw_checks(found: Verdict) -> None:
    """Draw what fails and what needs attention with their mends, then what passes in one line."""
    say = text()
    unmet = (*found.failed, *found.cautions)
    for check in unmet[:_SHOWN]:
        _draw(check)
    if unmet[_SHOWN:]:
        with st.popover(say("summary.more_checks", n=len(unmet) - _SHOWN), type="tertiary"):
            for check in unmet[_SHOWN:]:
                _draw(check)
    if found.passed:
        names = say("summary.comma").join(
            say(f"check.{check.name}.label") for check in found.passed
        )
        st.markdown(
            f":small[{_MARKS[Status.OK]} {say('summary.passed', names=names)}]",
            help="\n\n".join(_sentence(check) for check in found.passed),
        )


def draw_cautions(found: Sequence[Check], *, here: str) -> None:
    """Draw the checks that do not pass, above a page that can mend them.

    A check whose fields are on another page than ``here`` has a link to that page.
    """
    say = text()
    for check in found:
        if check.status is Status.OK:
            continue
        _draw(check)
        if check.mend is not None and check.mend.changes is None and check.mend.page != here:
            page = check.mend.page
            st.page_link(f"pages/{page}.py", label=say(f"page.{page}"), width="content")


def _draw(check: Check) -> None:
    """Draw one check that does not pass, with its mend beside it if it has one."""
    say, mend = text(), check.mend
    has_changes = mend is not None and mend.changes is not None
    place, beside = st.columns([2.2, 1], gap="small") if has_changes else (st.container(), None)
    place.markdown(f":small[{_line(check)}]", help=rules_in_words(say, check) or None)
    if beside is not None and mend is not None:
        beside.button(
            mend_in_words(say, mend),
            key=f"mend.{check.name}",
            icon=":material/build:",
            type="tertiary",
            on_click=_apply,
            args=(mend,),
        )


def _line(check: Check) -> str:
    return f"{_MARKS[check.status]} {_sentence(check)}"


def _sentence(check: Check) -> str:
    """Return a check's finding with a capital letter and a full stop."""
    say = text()
    clause = escaped_markdown(check_in_words(say, check))
    return say("summary.clause", clause=clause[:1].upper() + clause[1:])


def _apply(mend: Mend) -> None:
    """Apply the changes of a mend; say why if there are none."""
    say = text()
    changes = mend.changes() if mend.changes is not None else {}
    if not changes:
        st.toast(say("mend.none_fits"), icon=":material/block:")
    elif scenario_session().change(changes):
        st.toast(say("mend.done"), icon=":material/check:")


def draw_actions(found: Verdict) -> None:
    """Draw the three most urgent actions, each with the page where it is done."""
    say = text()
    actions: list[tuple[str, str]] = [
        (_todo(check), check.mend.page)
        for check in (*found.failed, *found.cautions)
        if check.mend is not None
    ]
    actions += [("assumptions", "assumptions"), ("compare", "compare")]
    for number, (name, page) in enumerate(actions[:ACTIONS], 1):
        st.page_link(
            f"pages/{page}.py",
            label=f"{number}. {say(f'todo.{name}')}",
            icon=":material/arrow_forward:",
            width="stretch",
        )


def _todo(check: Check) -> str:
    """Return the key of what to do about a check, below ``todo`` in the catalogs."""
    of_case = f"{check.name}_{check.case}"
    return of_case if f"todo.{of_case}" in text() else check.name
