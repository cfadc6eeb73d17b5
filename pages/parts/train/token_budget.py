"""The token budget: what is bought, what is unique, and what is trained on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from finance.metrics.token_budget import TokenBudget, token_budget
from pages.parts.fields import field, option_label
from pages.parts.session import draft, text
from pages.parts.tiles import Tile, tiles

_NONE = "–"


def draw_token_budget() -> None:
    """Draw the tokens of the plan beside those that the company pays for."""
    say, budget = text(), token_budget(draft())
    tiles(_tiles(budget), key="tokens")
    left, right = st.columns([1, 2], gap="large", vertical_alignment="top")
    with left:
        field("plan.tokens")
        st.page_link("pages/costs.py", label=say("token_budget.edit"), icon=":material/edit:")
    with right:
        if budget.sources:
            st.dataframe(_table(budget), hide_index=True)
        else:
            st.info(say("token_budget.empty"), icon=":material/database:")
    st.caption(say("token_budget.note"))


def _tiles(budget: TokenBudget) -> list[Tile]:
    say, language = text(), text().language
    epochs, worth = budget.epochs, budget.worth_tokens
    return [
        Tile(
            label=say("token_budget.trained"),
            value=quantities.count(budget.trained_tokens, language),
            note=say("token_budget.trained_note"),
            help=say("token_budget.trained_help"),
        ),
        Tile(
            label=say("token_budget.listed"),
            value=quantities.count(budget.listed_tokens, language),
            note=say("token_budget.listed_note", cost=quantities.usd(budget.cost_usd, language)),
            help=say("token_budget.listed_help"),
        ),
        Tile(
            label=say("token_budget.covered"),
            value=quantities.share(budget.covered_share, language),
            note=say(
                "token_budget.covered_note",
                unlisted=quantities.count(budget.unlisted_tokens, language),
            ),
            help=say("token_budget.covered_help"),
        ),
        Tile(
            label=say("token_budget.epochs"),
            value=_NONE if epochs is None else quantities.number(float(epochs), language, digits=2),
            note=""
            if worth is None
            else say("token_budget.epochs_note", worth=quantities.count(round(worth), language)),
            help=say("token_budget.epochs_help"),
        ),
    ]


def _table(budget: TokenBudget) -> pd.DataFrame:
    say, language = text(), text().language
    rows = []
    for source in budget.sources:
        data = source.data
        share = data.tokens / budget.trained_tokens if source.adds_tokens else None
        rows.append(
            {
                say("table.name"): data.name,
                say("token_budget.kind"): option_label("kind", data.kind),
                say("token_budget.tokens"): quantities.count(data.tokens, language),
                say("token_budget.share"): _NONE
                if share is None
                else quantities.share(share, language),
                say("token_budget.cost"): quantities.usd(source.cost_usd, language),
            }
        )
    return pd.DataFrame(rows)
