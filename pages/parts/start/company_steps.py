"""Last three questions: who pays, who works, and what money there is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

import pandas as pd
import streamlit as st

from engine.documents import InputError
from finance.spreadsheets.columns import guess_columns
from finance.spreadsheets.reading import table_of_text
from finance.spreadsheets.rows import read_rows
from finance.start.answers import Churn, RoleKind, SalesKind
from finance.start.build import Started
from finance.start.defaults import (
    Origins,
    assumption,
    countries,
    default_of,
    usual_cash,
    usual_company,
)
from finance.start.model import model_plan
from finance.start.money import founder_names
from finance.start.sales import default_price, sales_of_company
from finance.start.spending import default_salary, team_of
from pages.parts.session import text
from pages.parts.start import inputs
from pages.parts.start.result import started
from pages.parts.start.state import StartState, start_state

SALES: tuple[SalesKind, ...] = get_args(SalesKind)
_RUNWAYS = (12, 18, 24, 30, 36)


def sales_step() -> None:
    """Ask what customers pay for, and for price, customers, growth and churn of each."""
    state, say = start_state(), text()
    kinds = [sale.kind for sale in sales_of_company(state.document)]
    key = f"start.sales#{state.revision}"
    st.pills(
        say("start.sales_label"),
        SALES,
        selection_mode="multi",
        default=kinds,
        format_func=lambda kind: say(f"start.sales_kind.{kind}"),
        key=key,
        on_change=_take_kinds,
        args=(key,),
    )
    if not kinds:
        st.info(say("start.no_sales"), icon=":material/info:")
    active = _active_parameters(state)
    for number, kind in enumerate(kinds):
        _one_sale(number, kind, active)
    with st.expander(say("start.advanced")):
        inputs.amount(
            "marketing_usd_per_month", say("start.marketing_label"), default_of("marketing")
        )


def _active_parameters(state: StartState) -> float:
    try:
        return float(model_plan(state.document, Origins()).shape.count_parameters().active)
    except InputError:
        return 8e9  # the price follows when the earlier answers are possible again


def _one_sale(number: int, kind: SalesKind, active: float) -> None:
    say = text()
    with st.container(border=True):
        st.markdown(f"**{say(f'start.sales_kind.{kind}')}** · {say(f'start.sales_note.{kind}')}")
        first, second, third, fourth = st.columns(4)
        path = f"sales.{number}"
        with first:
            inputs.amount(
                f"{path}.price",
                say(f"start.price.{kind}"),
                default_price(kind, active, start_state().document.country),
            )
        with second:
            inputs.typed_field(
                f"{path}.customers",
                say(f"start.customers.{kind}"),
                default_of(f"{kind}.customers"),
                inputs.parse_amount,
                inputs.show_amount,
            )
        with third:
            inputs.percent(
                f"{path}.growth_share",
                say("start.price_growth" if kind == "services" else "start.growth"),
                default_of(f"{kind}.growth"),
            )
        if kind == "services":
            return
        with fourth:
            inputs.choice(
                f"{path}.churn",
                say("start.churn_label"),
                {word: _churn_words(kind, word) for word in ("normal", *_other_churns())},
                help_text=say("start.churn_help"),
            )


def _other_churns() -> tuple[str, ...]:
    return tuple(word for word in get_args(Churn) if word != "normal")


def _churn_words(kind: SalesKind, word: str) -> str:
    """Return a churn in plain words: of a hundred customers, how many leave in a year."""
    kept = (1 - default_of(f"{kind}.churn", word).number) ** 12
    leaving = round(100 * (1 - kept))
    return text()(f"start.churn.{word}", n=leaving)


def _take_kinds(key: str) -> None:
    state = start_state()
    kept = {sale.kind: sale.model_dump(mode="json") for sale in sales_of_company(state.document)}
    chosen = [kept.get(kind, {"kind": kind}) for kind in SALES if kind in st.session_state[key]]
    state.set({"sales": chosen})
    state.revision += 1


def ensure_sales(state: StartState) -> None:
    """Make the usual revenue part of the answers, so that its fields have a path."""
    if state.answers.get("sales") is None:
        usual = usual_company(state.document.product).sales
        state.answers["sales"] = [{"kind": kind} for kind in usual]


def people_step() -> None:
    """Ask who works: a table of roles with default salaries, role chips, and pasted rows."""
    state, say = start_state(), text()
    answers = state.document
    team = team_of(answers)
    country = answers.country
    with st.container(horizontal=True, gap="xsmall"):
        for role in get_args(RoleKind):
            st.button(
                say("start.add_role", role=say(f"start.role.{role}")),
                key=f"start.add.{role}",
                on_click=_add_role,
                args=(role,),
                icon=":material/add:",
                type="tertiary",
            )
    roles = {say(f"start.role.{role}"): role for role in get_args(RoleKind)}
    names = {role: label for label, role in roles.items()}
    places = {say(f"start.in_country.{code}"): code for code in countries()}
    codes = {code: label for label, code in places.items()}
    frame = pd.DataFrame(
        [
            {
                "role": names[person.role],
                "people": person.people,
                "start_month": person.start_month,
                "country": codes[person.country or country],
                "salary": None
                if person.salary_usd_per_year is None
                else float(person.salary_usd_per_year),
                "default": float(default_salary(person.role, person.country or country)),
            }
            for person in team
        ],
        columns=["role", "people", "start_month", "country", "salary", "default"],
    )
    key = f"start.people#{state.revision}"
    st.data_editor(
        frame,
        key=key,
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        placeholder="",
        column_config={
            "role": st.column_config.SelectboxColumn(
                say("start.role_label"), options=list(roles), required=True
            ),
            "people": st.column_config.NumberColumn(
                say("start.people_label"), min_value=0, step=1, default=1, required=True
            ),
            "start_month": st.column_config.NumberColumn(
                say("start.start_month_label"), min_value=1, step=1, default=1, required=True
            ),
            "country": st.column_config.SelectboxColumn(
                say("start.country"), options=list(places), default=codes[country], required=True
            ),
            "salary": st.column_config.NumberColumn(
                say("start.salary_label"),
                help=say("start.salary_help"),
                format="$%,.0f",
                min_value=0,
            ),
            "default": st.column_config.NumberColumn(
                say("start.default_salary_label"),
                help=say("start.default_salary_help"),
                format="$%,.0f",
                disabled=True,
            ),
        },
        on_change=_take_people,
        args=(key, frame, roles, places),
    )
    _salary_sources(sorted({person.country or country for person in team}))
    _paste_people()
    with st.expander(say("start.advanced")):
        at_first = sum(person.people for person in team if person.start_month <= 2)
        usual = (
            default_of("other_costs_fixed").number
            + at_first * default_of("other_costs_per_person").number
        )
        inputs.amount(
            "other_costs_usd_per_month",
            say("start.other_costs"),
            assumption("other_costs", usual),
            help_text=say("start.other_costs_help"),
        )


def _salary_sources(codes: list[str]) -> None:
    say = text()
    lines = []
    for code in codes:
        for key in ("salary_research", "salary_engineer", "on_cost"):
            row = default_of(key, code)
            shown = (
                inputs.show_percent(row.number)
                if key == "on_cost"
                else f"${inputs.show_amount(row.number)}"
            )
            place = say(f"start.in_country.{code}")
            lines.append(f"- {place}, {say(f'start.{key}')}: {shown}. {row.citation}")
    with st.expander(say("start.salary_sources")):
        st.markdown("\n".join(lines).replace("$", "\\$"))
        st.caption(say("start.salary_sources_note"))


def _paste_people() -> None:
    state, say = start_state(), text()
    with st.expander(say("start.paste_people")):
        key = f"start.pasted#{state.revision}"
        st.text_area(
            say("start.paste_label"), key=key, placeholder=say("start.paste_example"), height=120
        )
        st.button(say("start.paste_add"), on_click=_take_pasted, args=(key,), key="start.paste_add")
        for line in st.session_state.pop("start_pasted_errors", []):
            st.markdown(f":red[:material/error: {line}]")


def _take_pasted(key: str) -> None:
    """Add the pasted people to the team; rows that cannot be read are named."""
    state, say = start_state(), text()
    errors: list[str] = []
    try:
        table = table_of_text(st.session_state[key], say("start.pasted_name"))
        rows = read_rows(
            "people",
            table,
            guess_columns("people", table.columns),
            state.document.first_month,
        )
    except InputError as error:
        st.session_state["start_pasted_errors"] = [error.in_language(say.language)]
        return
    errors = [
        say("start.bad_row", n=bad.number, reason=bad.error.in_language(say.language))
        for bad in rows.bad
    ]
    functions = {"sales": "sales", "support": "support", "research": "engineer"}
    added = [
        {
            "role": functions.get(entry["function"], "operations"),
            "title": entry["title"],
            "people": entry["people"],
            "start_month": entry["start_month"],
            "salary_usd_per_year": str(Decimal(entry["cost_usd_per_month"]) * 12),
        }
        for entry in rows.entries
    ]
    if added:
        _set_people([*_team_data(state), *added])
    st.session_state["start_pasted_errors"] = errors


def _team_data(state: StartState) -> list[dict[str, Any]]:
    return [person.model_dump(mode="json") for person in team_of(state.document)]


def _add_role(role: RoleKind) -> None:
    _set_people([*_team_data(start_state()), {"role": role}])


def _set_people(people: list[dict[str, Any]]) -> None:
    state = start_state()
    state.set({"people": people})
    state.revision += 1


def _take_people(
    key: str, frame: pd.DataFrame, roles: Mapping[str, RoleKind], places: Mapping[str, str]
) -> None:
    """Take over the edits of the table: changed cells, new rows and removed rows."""
    state = start_state()
    people = _team_data(state)
    edits = st.session_state[key]
    for number, changes in edits["edited_rows"].items():
        people[int(number)] |= _person(changes, roles, places)
    people = [person for number, person in enumerate(people) if number not in edits["deleted_rows"]]
    for added in edits["added_rows"]:
        if added.get("role") in roles:
            people.append(_person(added, roles, places))
    _set_people(people)


def _person(
    cells: Mapping[str, Any], roles: Mapping[str, RoleKind], places: Mapping[str, str]
) -> dict[str, Any]:
    person: dict[str, Any] = {}
    if cells.get("role") in roles:
        person |= {"role": roles[cells["role"]], "title": None}
    for name in ("people", "start_month"):
        if cells.get(name) is not None:
            person[name] = int(cells[name])
    if cells.get("country") in places:
        person["country"] = places[cells["country"]]
    if "salary" in cells:
        salary = cells["salary"]
        person["salary_usd_per_year"] = None if salary is None else f"{salary:.2f}"
    return person


def money_step() -> None:
    """Ask for the cash of today, SAFEs, founders, and the runway that a raise is to give."""
    state, say = start_state(), text()
    answers = state.document
    left, right = st.columns(2)
    with left:
        inputs.amount(
            "money.cash_usd",
            say("start.cash"),
            usual_cash(answers.product, answers.country),
            help_text=say("start.cash_help"),
        )
    with right:
        inputs.choice(
            "money.runway_months",
            say("start.runway_label"),
            {
                None: say("start.default_choice", name=say("start.months", n=24)),
                **{n: say("start.months", n=n) for n in _RUNWAYS if n != 24},
            },
            help_text=say("start.runway_help"),
        )
    _proposal(state)
    inputs.typed_field(
        "money.founders",
        say("start.founders_label"),
        assumption("founders", ", ".join(founder_names(answers, say))),
        _parse_names,
        ", ".join,
        help_text=say("start.founders_help"),
    )
    _safes(state)
    with st.expander(say("start.advanced")):
        first, second, third = st.columns(3)
        with first:
            inputs.amount("money.raise_usd", say("start.raise_usd"), None)
        with second:
            inputs.count("money.raise_month", say("start.raise_month"), None)
        with third:
            inputs.amount("money.pre_money_usd", say("start.pre_money"), None)
        key = f"start.raises#{state.revision}"
        st.toggle(
            say("start.raises"),
            value=answers.money.raises,
            key=key,
            on_change=_take_raises,
            args=(key,),
        )


def _proposal(state: StartState) -> None:
    say = text()
    try:
        made: Started = started(state)
    except InputError:
        return  # the strip says why
    deal = made.raised
    if deal is None:
        st.info(say("start.no_proposal"), icon=":material/savings:")
        return
    pre_money = default_of("pre_money", deal.stage)
    basis = (
        say("start.your_valuation")
        if state.value("money.pre_money_usd")
        else say("start.valuation_basis", basis=inputs.basis_text(pre_money))
    )
    st.success(
        say(
            "start.proposal",
            amount=inputs.show_amount(deal.amount_usd),
            month=deal.month,
            runway=deal.runway_months,
            pre_money=inputs.show_amount(deal.pre_money_usd),
            sold=inputs.show_percent(round(deal.sold_share, 3)),
            basis=basis,
        ).replace("$", "\\$"),
        icon=":material/handshake:",
    )


def _parse_names(path: str, typed: str) -> list[str]:
    names = [name.strip() for name in typed.replace("，", ",").replace("、", ",").split(",")]
    names = [name for name in names if name]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError(path, repeated, "no_repeats")
    return names


def _safes(state: StartState) -> None:
    say = text()
    with st.expander(say("start.safes"), expanded=bool(state.document.money.safes)):
        frame = pd.DataFrame(
            [
                {
                    "holder": safe.holder,
                    "amount": float(safe.amount_usd),
                    "cap": None if safe.cap_usd is None else float(safe.cap_usd),
                }
                for safe in state.document.money.safes
            ],
            columns=["holder", "amount", "cap"],
        ).astype({"holder": "object", "amount": "float", "cap": "float"})
        key = f"start.safes#{state.revision}"
        st.data_editor(
            frame,
            key=key,
            num_rows="dynamic",
            hide_index=True,
            width="stretch",
            column_config={
                "holder": st.column_config.TextColumn(say("start.safe_holder"), required=True),
                "amount": st.column_config.NumberColumn(
                    say("start.safe_amount"), format="$%,.0f", min_value=1, required=True
                ),
                "cap": st.column_config.NumberColumn(
                    say("start.safe_cap"), format="$%,.0f", min_value=1
                ),
            },
            on_change=_take_safes,
            args=(key,),
        )
        st.caption(
            say(
                "start.safes_note",
                cap=inputs.show_amount(default_of("safe_cap").number),
                basis=inputs.basis_text(default_of("safe_cap")),
            ).replace("$", "\\$")
        )
        if (error := state.errors.get("money.safes")) is not None:
            inputs.field_error(error)


def _take_safes(key: str) -> None:
    state = start_state()
    safes = [safe.model_dump(mode="json") for safe in state.document.money.safes]
    edits = st.session_state[key]
    for number, changes in edits["edited_rows"].items():
        safes[int(number)] |= _safe(changes)
    safes = [safe for number, safe in enumerate(safes) if number not in edits["deleted_rows"]]
    safes += [
        _safe(added) for added in edits["added_rows"] if added.get("holder") and added.get("amount")
    ]
    state.set({"money.safes": safes})
    state.revision += 1


def _safe(cells: Mapping[str, Any]) -> dict[str, Any]:
    safe: dict[str, Any] = {}
    if "holder" in cells:
        safe["holder"] = str(cells["holder"])[:80]
    for cell, name in (("amount", "amount_usd"), ("cap", "cap_usd")):
        if cell in cells:
            value = cells[cell]
            safe[name] = None if value is None else f"{value:.2f}"
    return safe


def _take_raises(key: str) -> None:
    start_state().set({"money.raises": bool(st.session_state[key])})
