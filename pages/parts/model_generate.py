"""Let the model write: what it is asked, and what it answers as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import streamlit as st

from engine.sampling import MAX_PROMPT_CHARS, Sampling
from pages.parts.model_process import Export, process_of, said_in_one_line
from pages.parts.session import text

FIRST_PROMPT = "The people of the United States"


def generate_section(export: Export) -> None:
    say = text()
    if export.is_masked:
        st.info(say("model.fills_in"), icon=":material/info:")
        return
    left, right = st.columns([3, 2], gap="large")
    with right:
        sampling = sampling_fields("generate")
    with left:
        prompt = prompt_field("prompt")
        asked = st.button(
            say("model.generate"), type="primary", icon=":material/edit_note:", key="generate"
        )
        if asked:
            with said_in_one_line():
                write(export, prompt, sampling)


def prompt_field(key: str) -> str:
    say = text()
    return str(
        st.text_area(
            say("model.prompt"),
            value=FIRST_PROMPT,
            max_chars=MAX_PROMPT_CHARS,
            help=say("model.prompt_help"),
            key=key,
        )
    )


def sampling_fields(key: str) -> Sampling:
    """How to draw, as the fields say; they cannot say what is not allowed."""
    say = text()
    left, right = st.columns(2)
    temperature = left.slider(
        say("model.temperature"),
        0.0,
        2.0,
        0.8,
        0.05,
        help=say("model.temperature_help"),
        key=f"{key}.temperature",
    )
    tokens = right.slider(
        say("model.tokens"),
        10,
        400,
        120,
        10,
        help=say("model.tokens_help"),
        key=f"{key}.tokens",
    )
    top_p = left.slider(
        say("model.top_p"), 0.05, 1.0, 1.0, 0.05, help=say("model.top_p_help"), key=f"{key}.top_p"
    )
    top_k = right.number_input(
        say("model.top_k"), 0, 1_000_000, 0, help=say("model.top_k_help"), key=f"{key}.top_k"
    )
    seed = left.number_input(
        say("calibrate.seed"), 0, 2**31 - 1, 1, help=say("model.seed_help"), key=f"{key}.seed"
    )
    return Sampling(tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)


def write(export: Export, prompt: str, sampling: Sampling) -> None:
    """Show the prompt and what the model makes of it, piece by piece."""
    say = text()
    with st.spinner(say("model.loading"), show_time=True):
        pieces: Iterator[str] = process_of(export.run).generate(export.folder, prompt, sampling)
        first = next(pieces, "")
    with st.container(border=True):
        st.markdown(f"**{say('model.continues')}**")
        shown = st.empty()
        written = prompt
        for piece in chain([first], pieces):
            written += piece
            shown.text(written)
