"""Choice of a published model or an uploaded ``config.json`` whose shape the plan takes.

The plan keeps its sequence length. If the scenario refuses a model, the page explains why beside
the choice and offers the change with which the scenario accepts the model, where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.facts import accelerator
from engine.models.catalog import published_model, published_models
from engine.models.huggingface import longest_context_tokens, read_config, shape_from_config
from engine.serving_forecast import weights_that_fit
from engine.shapes import ModelShape
from finance.company.scenario import Scenario, without_shape_changes
from pages.parts.fields import option_label
from pages.parts.session import draft, scenario_session, text
from pages.parts.user_text import escaped_markdown

_TAKEN = "plan.taken_model"
_REFUSED = "plan.refused_model"
_EVENT_PATH = "company.training_events."


@dataclass(frozen=True, kw_only=True)
class _Model:
    """Model that was chosen, and the lengths that its source states."""

    name: str
    shape: ModelShape
    """Shape at the sequence length that the plan keeps."""
    plan_tokens: int
    """Sequence length of the plan when the model was chosen."""
    own_tokens: int | None
    """Sequence length that the model's source states for it."""
    longest_tokens: int | None
    """Longest sequence that the model accepts."""

    @property
    def kept_tokens(self) -> int:
        """Sequence length of the plan with the model."""
        return self.shape.seq_len_tokens


@dataclass(frozen=True, kw_only=True)
class _Refused:
    """Model that the scenario refused."""

    model: _Model
    error: InputError
    before: Scenario
    """The draft that refused the model."""
    tried: Mapping[str, object]
    """Changes that were applied together with the model's shape."""


@dataclass(frozen=True, kw_only=True)
class _Explanation:
    """Reason of a refusal in words of the page, and the changes that resolve it."""

    sentence: str
    mend_label: str | None = None
    """Text of the button that applies ``mend``; None if no change helps."""
    mend: Mapping[str, object] = field(default_factory=dict)


def choose_model() -> None:
    """Replace the shape with that of a published model or of an uploaded ``config.json``."""
    say, revision = text(), scenario_session().revision
    # A new key closes the popover, which would hide the sentences below it.
    key = f"take_model#{revision}"
    with st.popover(say("plan.take_model"), icon=":material/download:", key=key):
        chosen = st.selectbox(
            say("plan.published_model"),
            list(published_models()),
            index=None,
            key=f"published#{revision}",
            help=say("plan.published_model_help"),
        )
        uploaded = st.file_uploader(
            say("plan.config_json"),
            type="json",
            max_upload_size=1,
            key=f"config#{revision}",
            help=say("plan.config_json_help"),
        )
        st.caption(say("plan.keeps_length"))
    _draw_refusal()
    _draw_notes()
    try:
        if chosen:
            model = _published(chosen)
        elif uploaded:
            model = _of_file(uploaded.name, uploaded.getvalue())
        else:
            return
    except InputError as error:
        scenario_session().refuse(error)
    else:
        _take(model, {})
    st.rerun()


def _published(name: str) -> _Model:
    row = published_model(name, "plan.shape")
    plan_tokens = draft().plan.shape.seq_len_tokens
    kept_tokens = min(plan_tokens, row.context_tokens)
    return _Model(
        name=row.name,
        shape=row.shape.with_value("seq_len_tokens", kept_tokens),
        plan_tokens=plan_tokens,
        own_tokens=row.seq_len_tokens,
        longest_tokens=row.context_tokens,
    )


def _of_file(name: str, raw: bytes) -> _Model:
    config = read_config(raw)
    longest_tokens, plan_tokens = longest_context_tokens(config), draft().plan.shape.seq_len_tokens
    kept_tokens = plan_tokens if longest_tokens is None else min(plan_tokens, longest_tokens)
    return _Model(
        name=name,
        shape=shape_from_config(config, kept_tokens),
        plan_tokens=plan_tokens,
        own_tokens=longest_tokens,
        longest_tokens=longest_tokens,
    )


def _take(model: _Model, mend: Mapping[str, object]) -> None:
    """Use the model's shape in the plan, together with the changes ``mend``."""
    session, before = scenario_session(), draft()
    changes = {"plan.shape": model.shape.model_dump(mode="json"), **mend}
    st.session_state.pop(_REFUSED, None)
    if session.change(changes):
        st.session_state[_TAKEN] = model
        return
    assert session.error is not None
    refused = _Refused(model=model, error=session.error, before=before, tried=mend)
    if _explanation(refused) is not None:  # it replaces the line above the page
        st.session_state[_REFUSED] = refused
        session.error = None


def _explanation(refused: _Refused) -> _Explanation | None:
    """Return the refusal in words of the page; None if only the error itself explains it."""
    error, model, before = refused.error, refused.model, refused.before
    mend = _mend_of_events(before)
    if error.field.startswith(_EVENT_PATH) and mend and not set(mend) & set(refused.tried):
        say = text()
        return _Explanation(
            sentence=say("plan.event_contradicts", model=model.name, runs=_names_of_events(before)),
            mend_label=say("plan.drop_and_take", model=model.name),
            mend={**refused.tried, **mend},
        )
    if (error.field, error.rule) == ("serving.weights", "does_not_fit"):
        return _unservable(refused)
    return None


def _unservable(refused: _Refused) -> _Explanation:
    """Explain that the model cannot be served, with a precision in which it can be, if any."""
    say, model, plan = text(), refused.model, refused.before.plan
    device = accelerator(plan.cluster.accelerator).name
    weights = weights_that_fit(plan.model_copy(update={"shape": model.shape}))
    if weights is None:
        return _Explanation(sentence=say("plan.never_served", model=model.name, device=device))
    precision = option_label("plan.serving.weights", weights)
    return _Explanation(
        sentence=say("plan.not_served", model=model.name, device=device, weights=precision),
        mend_label=say("plan.take_and_serve_in", model=model.name, weights=precision),
        mend={
            **refused.tried,
            "plan.serving.weights": weights,
            "plan.serving.measured": None,
        },
    )


def _mend_of_events(scenario: Scenario) -> dict[str, object]:
    """Return the change of the scenario that drops the training events' changes to the shape."""
    return {
        f"{_EVENT_PATH}{number}.changes": without_shape_changes(event)
        for number, event in scenario.events_with_own_shape.items()
    }


def _names_of_events(scenario: Scenario) -> str:
    say = text()
    names = (
        say("plan.quoted", name=event.name) for event in scenario.events_with_own_shape.values()
    )
    return say("plan.list_separator").join(names)


def _draw_refusal() -> None:
    refused: _Refused | None = st.session_state.get(_REFUSED)
    if refused is None or refused.before != draft():
        return
    explanation = _explanation(refused)
    if explanation is None:
        return
    st.warning(escaped_markdown(explanation.sentence), icon=":material/block:")
    if explanation.mend_label is not None:
        st.button(
            escaped_markdown(explanation.mend_label),
            key="mend_model",
            icon=":material/check:",
            on_click=_take,
            args=(refused.model, explanation.mend),
        )


def _draw_notes() -> None:
    """Say which sequence length was kept, and which training events mix two shapes."""
    model: _Model | None = st.session_state.get(_TAKEN)
    if model is None or draft().plan.shape != model.shape:
        return
    _draw_length(model)
    if draft().events_with_own_shape:
        say = text()
        sentence = say("plan.event_mixes", model=model.name, runs=_names_of_events(draft()))
        st.warning(escaped_markdown(sentence), icon=":material/call_merge:")
        st.button(
            say("plan.drop_shape_changes"),
            key="drop_shape_changes",
            icon=":material/delete:",
            on_click=_change,
            args=(_mend_of_events(draft()),),
        )


def _change(changes: Mapping[str, object]) -> None:
    scenario_session().change(changes)


def _draw_length(model: _Model) -> None:
    say, language = text(), text().language
    kept = quantities.number(model.kept_tokens, language)
    if model.kept_tokens < model.plan_tokens:
        before = quantities.number(model.plan_tokens, language)
        sentence = say("plan.length_capped", model=model.name, kept=kept, before=before)
    elif model.own_tokens not in (None, model.kept_tokens):
        longest = quantities.number(model.longest_tokens or model.kept_tokens, language)
        sentence = say("plan.length_kept", model=model.name, kept=kept, longest=longest)
    else:
        return
    st.info(escaped_markdown(sentence), icon=":material/straighten:")
    if model.own_tokens not in (None, model.kept_tokens):
        st.button(
            say("plan.use_own_length", own=quantities.number(model.own_tokens, language)),
            key="use_own_length",
            on_click=_change,
            args=({"plan.shape.seq_len_tokens": model.own_tokens},),
        )
