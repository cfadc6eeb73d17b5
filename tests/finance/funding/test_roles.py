"""Roles of holders on hand-made cap tables, and the figures that follow them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from engine.documents import InputError
from finance.capital.history import Capital, history
from finance.capital.roles import HolderRole
from finance.company.scenario import Scenario
from finance.funding.ownership import founders, roles
from finance.funding.rounds import Funding, from_table, with_event, with_roles


def stock(name: str, holder: str, day: str, shares: int, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "stock_issue", "name": name, "holder": holder, "date": day, "shares": shares,
        "price": "0.0001", **fields,
    }  # fmt: skip


A = stock("CS-1", "Ada", "2026-03-04", 5_000_000)
B = stock("CS-2", "Bo", "2026-04-03", 3_000_000)
POOL = {"kind": "pool_increase", "date": "2026-04-04", "shares": 1_000_000}
OPTIONS = {
    "kind": "option_grant", "name": "OPT-1", "holder": "Eve", "date": "2026-05-01",
    "shares": 100_000, "exercise_price": "0.10",
}  # fmt: skip
EXERCISE = {
    "kind": "exercise", "date": "2026-06-01", "of": "OPT-1", "shares": 100_000, "name": "CS-3",
}  # fmt: skip
SAFE = {
    "kind": "safe", "name": "SAFE-1", "holder": "Angel", "date": "2026-07-01", "amount": "300000",
    "cap": "6000000",
}  # fmt: skip


def capital(*events: dict[str, Any], **marked: str) -> Capital:
    return Capital.parse({"opening": {"date": "2026-01-01", "roles": marked}, "events": events})


def funding_of(table: Capital) -> Funding:
    return Funding(table, history(table), True)


def test_roles_without_marks_follow_what_is_held() -> None:
    table = capital(A, B, POOL, OPTIONS, SAFE)
    assert roles(table, history(table)) == {
        "Ada": HolderRole.FOUNDER,
        "Bo": HolderRole.INVESTOR,
        "Eve": HolderRole.EMPLOYEE,
        "Angel": HolderRole.INVESTOR,
    }


def test_founders_are_those_who_are_marked_whenever_they_got_their_shares() -> None:
    table = capital(A, B, POOL, SAFE, Bo="founder")
    plan = funding_of(table)
    assert plan.founders == {"Ada", "Bo"} == founders(table, plan.steps)
    assert plan.founders_share(plan.last) == Fraction(8, 9)
    other = funding_of(capital(A, B, POOL, Bo="founder", Ada="investor"))
    assert other.founders == {"Bo"}
    assert other.founders_share(other.last) == Fraction(3, 9)


def test_money_from_investors_leaves_out_those_who_work_for_the_company() -> None:
    """Ada pays 500, Bo 300 and Eve 10,000 by exercising; only the angel's money counts."""
    events = (A, B, POOL, OPTIONS, EXERCISE, SAFE)
    plan = funding_of(capital(*events, Bo="founder"))
    assert plan.insiders == {"Ada", "Bo", "Eve"}
    assert [step.event.kind for step in plan.payments] == ["safe"]
    assert plan.raised(planned=False) == 300_000
    unmarked = funding_of(capital(*events))
    assert unmarked.raised(planned=False) == 300_300


def test_a_role_is_marked_alone_or_with_an_event(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    changes = with_roles(table, {"Tidewater angels": HolderRole.ADVISER})
    changed = startup.with_values(changes).company.capital
    assert changed is not None
    assert changed.opening.roles["Tidewater angels"] is HolderRole.ADVISER
    assert changed.events == table.events
    late = stock("CS-9", "Late founder", "2027-03-01", 500_000)
    both = startup.with_values(with_event(table, late, None, {"Late founder": HolderRole.FOUNDER}))
    found = both.company.capital
    assert found is not None
    assert "Late founder" in founders(found, both.company.capital_steps)


def test_a_table_from_elsewhere_keeps_the_roles_of_its_holders(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    plan = funding_of(table)
    elsewhere = plan.today.changed(roles={"Wen Lan · 文岚": HolderRole.EMPLOYEE})
    changed = startup.with_values(from_table(startup.company, table, elsewhere)).company.capital
    assert changed is not None
    assert changed.opening.roles == {
        "Wen Lan · 文岚": HolderRole.EMPLOYEE, "Jonas Rey": HolderRole.FOUNDER,
    }  # fmt: skip


def test_a_document_with_roles_reads_back_the_same(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    marked = startup.with_values(with_roles(table, {"Jonas Rey": HolderRole.EMPLOYEE}))
    assert Scenario.parse(marked.model_dump(mode="json")) == marked
    assert 'roles."Jonas Rey"' in marked.to_toml() or '"Jonas Rey" = "employee"' in marked.to_toml()


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(InputError, match=r"opening\.roles\.Ada: .*boss"):
        capital(A, Ada="boss")
