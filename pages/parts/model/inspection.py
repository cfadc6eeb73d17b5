"""Inspect a model: the loss of each token of a text, and the attention of its heads."""

from __future__ import annotations

import csv
import html
import io
import math
from typing import Any

import streamlit as st

from engine.sampling import MAX_PROMPT_CHARS
from pages.parts.charts import draw
from pages.parts.model.charts import attention_chart
from pages.parts.model.process import Export, errors_in_one_line, process_of
from pages.parts.session import text

_FIRST_TEXT = (
    "The Congress of the United States has the power to declare war, and the President has "
    "the power to make peace."
)
_MEAN = 0
"""Value for the mean of all heads; in the choices, heads and layers count from 1."""
_STYLE = """<style>
.tokens {position: relative; white-space: pre-wrap; line-height: 2.1; padding-bottom: 4.4rem;
  font-size: 1.05rem; overflow-wrap: anywhere}
.tokens .token {background: rgba(213, 94, 0, var(--cost)); border-radius: 3px; padding: 2px 0;
  box-shadow: inset 0 0 0 .5px rgba(140, 140, 140, .35); cursor: help}
.tokens .token:hover, .tokens .token:focus {outline: 2px solid #0072B2}
.tokens .about, .tokens .hint {position: absolute; left: 0; right: 0; bottom: 0; height: 4rem;
  line-height: 1.6; font-size: .9rem; overflow: hidden; white-space: normal}
.tokens .about {visibility: hidden}
.tokens .hint {opacity: .65}
.tokens .token:hover .about, .tokens .token:focus .about {visibility: visible}
.tokens:has(.token:hover) .hint, .tokens:has(.token:focus) .hint {visibility: hidden}
.tokens:has(.token:hover) .token:focus:not(:hover) .about {visibility: hidden}
.costs {display: flex; gap: .6rem; align-items: center; font-size: .85rem}
.costs .scale {width: 10rem; height: .8rem; border-radius: 3px;
  background: linear-gradient(to right, rgba(213, 94, 0, 0), rgba(213, 94, 0, .8));
  box-shadow: inset 0 0 0 .5px rgba(140, 140, 140, .6)}
</style>"""


@st.cache_data(max_entries=50, show_spinner=False)
def _inspection(_export: Export, run_id: str, which: str, prompt: str) -> dict[str, Any]:
    return process_of(_export.run).inspect(_export.folder, prompt)


@st.cache_data(max_entries=50, show_spinner=False)
def _attention(
    _export: Export, run_id: str, which: str, prompt: str, layer: int
) -> list[list[list[float]]]:
    return process_of(_export.run).attention(_export.folder, prompt, layer)


def inspection_section(export: Export) -> None:
    """Draw the losses of the tokens of a text, and the attention between them."""
    say = text()
    prompt = st.text_area(
        say("model.inspected"),
        value=_FIRST_TEXT,
        max_chars=MAX_PROMPT_CHARS,
        help=say("model.inspected_help"),
        key="inspected",
    )
    with errors_in_one_line():
        with st.spinner(say("model.loading"), show_time=True):
            inspection = _inspection(export, export.run.id, export.which, prompt)
        _losses(export, inspection)
        _heads(export, inspection, prompt)


def _losses(export: Export, inspection: dict[str, Any]) -> None:
    say = text()
    known = [loss for loss in inspection["losses"] if loss is not None]
    mean = sum(known) / len(known)
    guessing = math.log(export.run.recipe.shape.vocab)
    st.header(say("model.losses_heading"))
    kind = "masked_token" if export.is_masked else "next_token"
    st.markdown(
        say(
            f"model.losses_answer.{kind}",
            tokens=len(known),
            mean=f"{mean:.2f}",
            guessing=f"{guessing:.2f}",
        )
    )
    if inspection["n_left_out"]:
        st.caption(
            say("model.cut", shown=len(inspection["tokens"]), left_out=inspection["n_left_out"])
        )
    st.html(token_html(inspection, guessing))
    st.download_button(
        say("model.download_losses"),
        lambda: losses_csv(inspection),
        f"{export.run.id}-losses.csv",
        "text/csv",
        key="download_losses",
        icon=":material/download:",
        on_click="ignore",
    )


def _heads(export: Export, inspection: dict[str, Any], prompt: str) -> None:
    say = text()
    st.header(say("model.attention_heading"))
    left, right = st.columns(2)
    layer = left.selectbox(
        say("model.layer"),
        range(1, inspection["n_layers"] + 1),
        key=f"layer#{inspection['n_layers']}",
    )
    head = right.selectbox(
        say("model.head"),
        range(inspection["n_heads"] + 1),
        format_func=lambda head: say("model.mean_of_heads") if head == _MEAN else str(head),
        key=f"head#{inspection['n_heads']}.{say.language}",
    )
    heads = _attention(export, export.run.id, export.which, prompt, layer - 1)
    shares = mean_of(heads) if head == _MEAN else heads[head - 1]
    draw(
        attention_chart(shares, inspection["tokens"]),
        "attention",
        height=min(1_100, max(360, 160 + 18 * len(inspection["tokens"]))),
        hover="closest",
    )
    st.caption(say("model.attention_note"))
    st.download_button(
        say("model.download_attention"),
        lambda: attention_csv(shares, inspection["tokens"]),
        f"{export.run.id}-attention-layer{layer}-{'mean' if head == _MEAN else f'head{head}'}.csv",
        "text/csv",
        key="download_attention",
        icon=":material/download:",
        on_click="ignore",
    )


def mean_of(heads: list[list[list[float]]]) -> list[list[float]]:
    """Return the mean over heads of attention of shape (heads, tokens, tokens)."""
    return [
        [sum(column) / len(heads) for column in zip(*rows, strict=True)]
        for rows in zip(*heads, strict=True)
    ]


def token_html(inspection: dict[str, Any], guessing: float) -> str:
    """Return the text as HTML, with each token in the colour of its loss.

    A token shows its loss and the likeliest guesses while the pointer is on it. The colour is
    strongest from the loss of guessing among the whole vocabulary, ``guessing`` nats, on.
    """
    say = text()
    spans = []
    for token, loss, guesses in zip(
        inspection["tokens"], inspection["losses"], inspection["guesses"], strict=True
    ):
        cost = 0.0 if loss is None else 0.8 * min(1.0, loss / guessing)
        # A line break is shown as a sign, and breaks the line.
        shown = html.escape(token).replace("\n", "↵\n")
        spans.append(
            f'<span class="token" tabindex="0" style="--cost: {cost:.3f}">{shown}'
            f'<span class="about">{_about(token, loss, guesses)}</span></span>'
        )
    scale = (
        f'<div class="costs"><span>{html.escape(say("model.no_surprise"))}</span>'
        f'<span class="scale"></span>'
        f"<span>{html.escape(say('model.as_guessing', nats=f'{guessing:.1f}'))}</span></div>"
    )
    hint = f'<span class="hint">{html.escape(say("model.point_at"))}</span>'
    return f'{_STYLE}{scale}<div class="tokens">{"".join(spans)}{hint}</div>'


def _about(token: str, loss: float | None, guesses: list[tuple[str, float]] | None) -> str:
    say = text()
    name = f"<b>{_quoted(token)}</b>"
    if loss is None or guesses is None:
        return f"{name} · {html.escape(say('model.first_token'))}"
    cost = html.escape(say("model.token_cost", nats=f"{loss:.2f}", share=_percent(math.exp(-loss))))
    expected = ", ".join(f"{_quoted(guess)} {_percent(share)}" for guess, share in guesses)
    return f"{name} · {cost}<br>{html.escape(say('model.expected'))} {expected}"


def _quoted(token: str) -> str:
    return f"“{html.escape(token)}”".replace("\n", "↵").replace(" ", "·")


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.2%}"


def losses_csv(inspection: dict[str, Any]) -> str:
    """Return a CSV row for each token: position, loss, and likeliest guesses with probabilities."""
    n_guesses = max(len(guesses) for guesses in inspection["guesses"] if guesses)
    head = ["position", "token", "loss_nats"]
    for number in range(1, n_guesses + 1):
        head += [f"guess_{number}", f"guess_{number}_share"]
    rows = [
        [position, token, loss, *(value for guess in guesses or () for value in guess)]
        for position, (token, loss, guesses) in enumerate(
            zip(inspection["tokens"], inspection["losses"], inspection["guesses"], strict=True)
        )
    ]
    return _csv([head, *rows])


def attention_csv(shares: list[list[float]], tokens: list[str]) -> str:
    """Return a CSV row for each pair of a token and a token that it attends to."""
    return _csv(
        [
            ["reading_position", "reading", "looked_at_position", "looked_at", "share"],
            *(
                [i, tokens[i], j, tokens[j], share]
                for i, row in enumerate(shares)
                for j, share in enumerate(row)
                if share
            ),
        ]
    )


def _csv(rows: list[list[Any]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()
