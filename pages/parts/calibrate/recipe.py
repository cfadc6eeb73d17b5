"""The next run's recipe: a sample of the scenario, a model of one depth, or a file; and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.document_paths import field_name, value_or_none
from engine.documents import InputError, parse_toml
from engine.layout import TRAINING_PRECISIONS
from engine.machine import Machine
from engine.recipes.depth_preset import read_recipe
from engine.recipes.precision import best_measured_precision
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import sample_recipe
from engine.runs.estimate import with_options
from engine.runs.folder import Phase, Run
from engine.runs.observing.index import summaries
from engine.runs.settings import texts_dir
from pages.parts.run_views.runs import run_labels
from pages.parts.session import draft, scenario_session, text
from pages.parts.streamlit_private import Container

_SOURCES = ("scenario", "depth", "upload")

Slots = dict[str, Container]
"""Containers below the fields, by path, for the error of each field."""

_FAMILIES = {
    "llama": "Llama",
    "mixtral": "Mixtral (experts)",
    "gpt2": "GPT-2",
    "bert": "BERT (masked words)",
}
_CHOICES: dict[str, tuple[object, ...]] = {
    "layout.zero_stage": (0, 1, 2, 3),
    "layout.precision": ("auto", *TRAINING_PRECISIONS),
    "layout.activation_checkpointing": ("none", "full"),
    "layout.offload": ("none", "optimizer"),
    "schedule": ("cosine", "wsd"),
    "compile": (False, True),
}
_COUNTS = (
    *("n_ranks", "layout.micro_batch_sequences", "layout.grad_accumulation_steps"),
    *("steps", "checkpoint_every_steps"),
)
_RATES = ("peak_learning_rate",)
_OPTION_PX = 205
_TRACKERS = ("tensorboard", "wandb", "mlflow")
OPTIONS = (*_CHOICES, *_COUNTS, *_RATES, "trackers", "init_from")
"""Dotted paths of the values that the form can change in a recipe."""


def chosen_recipe(machine: Machine) -> Recipe | None:
    """Return the recipe that the fields describe; None until a file is chosen.

    Raises
    ------
    InputError
        For the first field that is not allowed.
    """
    base = _base(machine)
    if base is None:
        return None
    options = _options()
    if options.get("layout.precision") == "auto":
        options["layout.precision"] = best_measured_precision(machine)
    return with_options(base, options)


def recipe_form(machine: Machine, options: Container) -> Slots:
    """Draw the fields; those needed less often are in an expander in ``options``."""
    say = text()
    slots: Slots = {}
    _draw_source(slots)
    try:
        # The first call measures the fastest precision, which takes some seconds.
        with st.spinner(say("calibrate.deriving")):
            base = _base(machine)
    except InputError:
        base = None  # shown beside its field by the caller of chosen_recipe
    with options.expander(say("calibrate.options"), icon=":material/tune:"):
        _draw_options(base, slots)
    if changed := len(_options()):
        st.caption(say("calibrate.options_changed", n=changed))
    return slots


def _draw_source(slots: Slots) -> None:
    say = text()
    source = st.segmented_control(
        say("calibrate.source"),
        _SOURCES,
        format_func=lambda option: say(f"calibrate.from.{option}"),
        default=_SOURCES[0],
        required=True,
        key=f"calibrate.source#{say.language}",
        persist_state="session",
    )
    st.session_state["calibrate.source"] = source  # the widget's key changes with the language
    _DRAWN[source](slots)


def _draw_scenario(slots: Slots) -> None:
    say = text()
    st.caption(say("calibrate.from_scenario_note", scenario=draft().name))
    left, right = st.columns(2)
    with left:
        _draw_minutes(slots)
    with right:
        _draw_seed(slots)
    _draw_corpus(slots)


def _draw_depth(slots: Slots) -> None:
    say = text()
    st.caption(say("calibrate.from_depth_note"))
    left, right = st.columns(2)
    with left:
        st.number_input(
            say("calibrate.depth"),
            min_value=1,
            max_value=200,
            value=3,
            help=say("calibrate.depth_help"),
            key="calibrate.depth",
            persist_state="session",
        )
        slots["depth"] = st.empty()
        _draw_minutes(slots)
    with right:
        st.selectbox(
            say("calibrate.family"),
            list(_FAMILIES),
            format_func=_FAMILIES.__getitem__,
            help=say("calibrate.family_help"),
            key="calibrate.family",
            persist_state="session",
        )
        slots["model"] = st.empty()
        _draw_seed(slots)
    _draw_corpus(slots)


def _draw_upload(slots: Slots) -> None:
    say = text()
    st.file_uploader(
        say("calibrate.upload"),
        type=["toml"],
        key="calibrate.upload",
        help=say("calibrate.upload_help"),
    )
    slots["upload"] = st.empty()


_DRAWN: dict[str, Callable[[Slots], None]] = {
    "scenario": _draw_scenario,
    "depth": _draw_depth,
    "upload": _draw_upload,
}


def _draw_minutes(slots: Slots) -> None:
    say = text()
    st.number_input(
        say("calibrate.minutes"),
        min_value=0.2,
        max_value=1440.0,
        value=10.0,
        step=1.0,
        format="%.15g",
        help=say("calibrate.minutes_help"),
        key="calibrate.minutes",
        persist_state="session",
    )
    slots["minutes"] = st.empty()


def _draw_corpus(slots: Slots) -> None:
    say = text()
    st.selectbox(
        say("calibrate.corpus"),
        list(PACKAGES),
        accept_new_options=True,
        help=say("calibrate.corpus_help", folder=texts_dir()),
        key="calibrate.corpus",
        persist_state="session",
    )
    slots["corpus.source"] = st.empty()


def _draw_seed(slots: Slots) -> None:
    say = text()
    st.number_input(
        say("calibrate.seed"),
        min_value=0,
        max_value=2**31 - 1,
        value=1,
        help=say("calibrate.seed_help"),
        key="calibrate.seed",
        persist_state="session",
    )
    slots["seed"] = st.empty()


def _base(machine: Machine) -> Recipe | None:
    """Return the recipe without the options."""
    state = st.session_state
    source = state["calibrate.source"]
    if source == "upload":
        file = state.get("calibrate.upload")
        return (
            None if file is None else read_recipe(parse_toml(file.getvalue(), file.name), machine)
        )
    if source == "depth":
        return read_recipe(
            {
                "depth": state["calibrate.depth"],
                "model": state["calibrate.family"],
                "minutes": state["calibrate.minutes"],
                "seed": state["calibrate.seed"],
                "corpus": _chosen_corpus().model_dump(),
            },
            machine,
        )
    return sample_recipe(
        draft().plan,
        machine,
        scenario_session().stored.id,
        budget_s=60 * state["calibrate.minutes"],
        corpus=_chosen_corpus(),
    ).with_value("seed", state["calibrate.seed"])


def _chosen_corpus() -> CorpusChoice:
    return CorpusChoice.parse(
        {"source": st.session_state["calibrate.corpus"].strip()}, where="corpus"
    )


def _key(path: str) -> str:
    return f"calibrate.option.{path}"


def _options() -> dict[str, object]:
    """Return the changed options by their dotted paths."""
    chosen = {path: st.session_state.get(_key(path)) for path in OPTIONS}
    return {path: value for path, value in chosen.items() if value not in (None, [])}


def _draw_options(base: Recipe | None, slots: Slots) -> None:
    """Draw the options, as many in a row as fit; an unchanged one shows the recipe's value."""
    say = text()
    st.caption(say("calibrate.options_note"))
    row = st.container(horizontal=True, vertical_alignment="bottom")
    for path in (*_CHOICES, *_COUNTS, *_RATES):
        with row.container(width=_OPTION_PX):
            _draw_option(path, value_or_none(base, path))
            slots[path] = st.empty()
    row = st.container(horizontal=True)
    with row.container(width=2 * _OPTION_PX):
        st.multiselect(
            say("calibrate.option.trackers"),
            _TRACKERS,
            placeholder=say("calibrate.none"),
            key=_key("trackers"),
            persist_state="session",
            help=say("calibrate.option_help.trackers"),
        )
        slots["trackers"] = st.empty()
    succeeded = (run for run in summaries() if run.phase is Phase.SUCCEEDED)
    finished = [Run.find(run.run_id) for run in succeeded]
    labels = run_labels(finished)
    with row.container(width=2 * _OPTION_PX):
        st.selectbox(
            say("calibrate.option.init_from"),
            list(labels),
            index=None,
            format_func=lambda run_id: labels.get(run_id, run_id),
            placeholder=say("calibrate.init_from_nothing"),
            accept_new_options=True,
            key=_key("init_from"),
            persist_state="session",
            help=say("calibrate.option_help.init_from"),
        )
        slots["init_from"] = st.empty()


def _draw_option(path: str, held: object) -> None:
    say, name = text(), field_name(path)
    shown = say("calibrate.none") if held is None else _option_label(held)
    common: dict[str, Any] = {
        "label": say(f"calibrate.option.{name}"),
        "help": say(f"calibrate.option_help.{name}"),
        "placeholder": shown,
        "key": _key(path),
        "persist_state": "session",
    }
    if path in _CHOICES:
        st.selectbox(options=_CHOICES[path], index=None, format_func=_option_label, **common)
    elif path in _RATES:
        st.number_input(value=None, min_value=0.0, max_value=1.0, format="%.15g", **common)
    else:
        st.number_input(value=None, min_value=1, step=1, **common)


def _option_label(value: object) -> str:
    """Return an option's technical term, which is the same in every language."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
