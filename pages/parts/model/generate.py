"""Let the model write: the prompt, the sampling, and the text as it is generated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import streamlit as st

from engine.sampling import MAX_PROMPT_CHARS, Sampling
from pages.parts.model.process import Export, errors_in_one_line, process_of
from pages.parts.session import text

FIRST_PROMPT = "The people of the United States"
_FIELD_WIDTH = 165
"""Width in pixels: five fields fit side by side on a wide screen, and wrap on a narrow one."""


def generate_section(export: Export) -> None:
    """Draw the fields of generation, and the generated text."""
    say = text()
    if export.is_masked:
        st.info(say("model.fills_in"), icon=":material/info:")
        return
    prompt = prompt_field("prompt")
    sampling = sampling_fields("generate")
    clicked = st.button(
        say("model.generate"), type="primary", icon=":material/edit_note:", key="generate"
    )
    if clicked:
        with errors_in_one_line():
            write(export, prompt, sampling)


def prompt_field(key: str) -> str:
    """Draw the field of the prompt, and return the prompt."""
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
    """Draw the fields of sampling and return their values, which are always allowed."""
    say = text()
    with st.container(horizontal=True):
        temperature = st.slider(
            say("model.temperature"),
            0.0,
            2.0,
            0.8,
            0.05,
            help=say("model.temperature_help"),
            key=f"{key}.temperature",
            width=_FIELD_WIDTH,
        )
        top_p = st.slider(
            say("model.top_p"),
            0.05,
            1.0,
            1.0,
            0.05,
            help=say("model.top_p_help"),
            key=f"{key}.top_p",
            width=_FIELD_WIDTH,
        )
        top_k = st.number_input(
            say("model.top_k"),
            0,
            1_000_000,
            0,
            help=say("model.top_k_help"),
            key=f"{key}.top_k",
            width=_FIELD_WIDTH,
        )
        tokens = st.slider(
            say("model.tokens"),
            10,
            400,
            120,
            10,
            help=say("model.tokens_help"),
            key=f"{key}.tokens",
            width=_FIELD_WIDTH,
        )
        seed = st.number_input(
            say("calibrate.seed"),
            0,
            2**31 - 1,
            1,
            help=say("model.seed_help"),
            key=f"{key}.seed",
            width=_FIELD_WIDTH,
        )
    return Sampling(tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)


def write(export: Export, prompt: str, sampling: Sampling) -> None:
    """Show the prompt, and the generated text piece by piece."""
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
