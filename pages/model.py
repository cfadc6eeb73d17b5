"""What did the training buy? Text from the model that was just trained, and its score."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.generator import MAX_PROMPT_CHARS, Generator
from pages.parts.frame import run_in_frame
from pages.parts.session import text
from pages.parts.tiles import Tile, tiles


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda one: one.close())
def _generator(run_id: str) -> Generator:
    """One process a model, kept between requests; the oldest goes when a third comes."""
    return Generator(Run.find(run_id))


def _living_generator(run_id: str) -> Generator:
    if not _generator(run_id).is_alive:
        _generator.clear(run_id)
    return _generator(run_id)


def _choose(runs: list[Run]) -> Run:
    ids = [run.id for run in runs]
    wanted = st.session_state.get("shown_run")
    chosen = st.selectbox(
        text()("model.run"),
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        key="model_choice",
    )
    return runs[ids.index(chosen)]


def _figures(run: Run) -> None:
    say, result = text(), run.result
    assert result is not None
    corpus, language = result.corpus, say.language
    st.markdown(
        "#### "
        + say(
            "model.answer",
            bits=quantities.number(result.bits_per_byte, language),
            lzma=quantities.number(corpus.held_out_lzma_bits_per_byte, language),
            documents=corpus.n_held_out_documents,
        )
    )
    tiles(
        [
            Tile(
                label=say("model.bits_per_byte"),
                value=quantities.number(result.bits_per_byte, language),
                note=say("model.held_out_note", n=corpus.n_held_out_documents),
                help=say("basis.bits_per_byte"),
            ),
            Tile(
                label=say("calibrate.held_out_loss"),
                value=say("unit.nats", n=quantities.number(result.held_out_loss, language)),
                help=say("basis.held_out_loss"),
            ),
            Tile(
                label=say("quantity.parameters_total"),
                value=quantities.count(result.n_parameters, language),
            ),
            Tile(
                label=say("model.tokens_seen"),
                value=quantities.count(result.tokens, language),
                note=say(
                    "model.epochs",
                    n=quantities.number(result.tokens / corpus.n_train_tokens, language),
                ),
            ),
        ]
    )


def _generate(run: Run) -> None:
    say = text()
    left, middle, right = st.columns(3)
    temperature = left.slider(
        say("model.temperature"),
        0.0,
        2.0,
        0.8,
        0.05,
        help=say("model.temperature_help"),
        key="temperature",
    )
    n_tokens = middle.slider(
        say("model.tokens"), 10, 400, 120, 10, help=say("model.tokens_help"), key="n_tokens"
    )
    seed = right.number_input(
        say("calibrate.seed"), 0, 2**31 - 1, 1, help=say("model.seed_help"), key="generation_seed"
    )
    prompt = st.text_area(
        say("model.prompt"),
        value="The people of the United States",
        max_chars=MAX_PROMPT_CHARS,
        help=say("model.prompt_help"),
        key="prompt",
    )
    if st.button(
        say("model.generate"), type="primary", icon=":material/edit_note:", key="generate"
    ):
        try:
            with st.spinner(say("model.loading"), show_time=True):
                generator = _living_generator(run.id)
                pieces = generator.generate(prompt, n_tokens, temperature, seed)
                first = next(pieces, "")
            with st.container(border=True):
                st.markdown(f"**{say('model.continues')}**")
                shown = st.empty()
                written = first
                shown.text(prompt + written)
                for piece in pieces:
                    written += piece
                    shown.text(prompt + written)
        except (InputError, RuntimeError, OSError) as error:
            line = error.in_language(say.language) if isinstance(error, InputError) else str(error)
            st.error(line, icon=":material/error:")


def page() -> None:
    say = text()
    st.title(say("model.question"))
    runs = [run for run in all_runs() if run.state.phase is Phase.SUCCEEDED]
    if not runs:
        st.markdown(say("model.none"))
        st.page_link("pages/calibrate.py", label=say("model.train_one"), icon=":material/speed:")
        return
    run = _choose(runs)
    _figures(run)
    st.subheader(say("model.generate_heading"))
    _generate(run)
    with st.expander(say("model.export"), icon=":material/folder:"):
        st.caption(say("model.export_note"))
        st.code(f"python -m engine export {run.id} my-model", language="bash")
        st.code(
            "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
            f'model = AutoModelForCausalLM.from_pretrained("{run.model_dir}")\n'
            f'tokenizer = AutoTokenizer.from_pretrained("{run.model_dir}")',
            language="python",
        )


run_in_frame(page)
