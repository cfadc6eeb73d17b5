"""First three questions: what the company makes, how big its model is, and who trains it."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from engine import quantities
from engine.facts import accelerator, accelerators, typical_price
from engine.models.catalog import PublishedModel, published_models
from engine.planning.hardware import COMMON
from finance.start.answers import Product, StartAnswers
from finance.start.defaults import assumption, countries, default_of, usual_company
from finance.start.model import base_of, on_demand_offers, providers_of
from pages.parts.session import text
from pages.parts.start import inputs
from pages.parts.start.state import start_state

BASE_SERIES = (
    "Qwen3",
    "Qwen2.5",
    "Llama-3.2",
    "Llama-3",
    "Gemma-3",
    "Mistral",
    "OLMo-2",
    "SmolLM3",
    "Phi",
    "gpt-oss",
)
"""Series of open weights that the second question offers, in this order."""
LANGUAGE_TAGS = ("en", "zh", "de", "fr", "es", "ja", "ko", "pt", "it", "ar", "hi", "ru")
_LARGEST_BASE = 1.3e11
"""Total parameters of the largest base model on offer."""


def make_step() -> None:
    """Ask for the name, the kind of company, its languages and its country."""
    state, say = start_state(), text()
    inputs.typed_field("name", say("start.name"), None, inputs.parse_text, str)
    key = f"start.product#{state.revision}"
    products = get_args(Product)
    st.radio(
        say("start.product_label"),
        products,
        index=products.index(state.value("product") or "vertical"),
        format_func=lambda product: say(f"start.product.{product}"),
        captions=[say(f"start.product_note.{product}") for product in products],
        key=key,
        on_change=_take_product,
        args=(key,),
        label_visibility="collapsed",
    )
    left, right = st.columns(2)
    with left:
        languages = f"start.languages#{state.revision}"
        st.multiselect(
            say("start.languages"),
            LANGUAGE_TAGS,
            default=state.value("languages"),
            format_func=lambda tag: say(f"start.language.{tag}"),
            help=say("start.languages_help"),
            key=languages,
            on_change=_take_languages,
            args=(languages,),
        )
    with right:
        inputs.choice(
            "country",
            say("start.country"),
            {country: say(f"start.in_country.{country}") for country in countries()},
            help_text=say("start.country_help"),
        )

    with st.expander(say("start.advanced")):
        key = f"start.first_month#{state.revision}"
        st.date_input(
            say("start.first_month"),
            value=state.document.first_month,
            help=say("start.first_month_help"),
            key=key,
            on_change=_take_first_month,
            args=(key,),
        )


def _take_first_month(key: str) -> None:
    if st.session_state[key] is not None:
        start_state().set({"first_month": st.session_state[key].isoformat()})


def _take_product(key: str) -> None:
    state = start_state()
    # What a company of another kind makes and sells is a default until it is answered again.
    state.set({"product": st.session_state[key], "model": {}, "sales": None})


def _take_languages(key: str) -> None:
    start_state().set({"languages": st.session_state[key] or ["en"]})


def size_step() -> None:
    """Ask for open weights and their tokens, or for the size of a model from scratch."""
    state, say = start_state(), text()
    answers = state.document
    usual = usual_company(answers.product)
    origin = inputs.segments(
        "model.origin",
        say("start.origin_label"),
        {name: say(f"start.origin.{name}") for name in ("open_weights", "scratch")},
        usual.origin,
    )
    if origin == "open_weights":
        _open_weights(answers)
    else:
        _from_scratch(answers)


def _open_weights(answers: StartAnswers) -> None:
    say = text()
    base = usual_company(answers.product).base_model or default_of("base_model").value
    offered = base_models()
    labels: dict[str | None, str] = {
        None: say("start.default_choice", name=_model_label(offered[base]))
    }
    labels |= {name: _model_label(model) for name, model in offered.items() if name != base}
    left, right = st.columns(2)
    with left:
        inputs.choice(
            "model.base_model",
            say("start.base_model"),
            labels,
            help_text=say("start.base_model_help"),
        )
    with right:
        further = default_of("continued_tokens_per_language").count
        tokens = default_of("continued_tokens").count + further * (len(answers.languages) - 1)
        inputs.count(
            "model.tokens",
            say("start.continued_tokens"),
            default_of("continued_tokens").model_copy(update={"value": str(tokens)}),
            help_text=say("start.continued_tokens_help"),
        )


def _from_scratch(answers: StartAnswers) -> None:
    say = text()
    by = inputs.segments(
        "model.size_by",
        say("start.size_by_label"),
        {name: say(f"start.size_by.{name}") for name in ("parameters", "budget")},
        "parameters",
    )
    usual = usual_company(answers.product).parameters or default_of("parameters").count
    left, right = st.columns(2)
    if by == "budget":
        with left:
            inputs.amount(
                "model.budget_usd", say("start.budget"), None, help_text=say("start.budget_help")
            )
        if answers.model.budget_usd is None:
            with right:
                st.info(say("start.budget_missing"), icon=":material/info:")
        return
    parameters = answers.model.parameters or usual
    with left:
        inputs.count("model.parameters", say("start.parameters"), assumption("parameters", usual))
    with right:
        ratio = default_of("tokens_per_parameter")
        tokens = parameters * ratio.count
        inputs.count(
            "model.tokens",
            say("start.tokens"),
            ratio.model_copy(update={"value": str(tokens)}),
            help_text=say("start.tokens_help", n=ratio.value),
        )


def base_models() -> dict[str, PublishedModel]:
    """Return the open weights on offer by name, by series and then by size."""
    found = [
        model
        for model in published_models().values()
        if model.series in BASE_SERIES
        and model.confidence == "published"
        and model.shape.count_parameters().total <= _LARGEST_BASE
    ]
    found.sort(
        key=lambda model: (
            BASE_SERIES.index(model.series),
            model.shape.count_parameters().total,
        )
    )
    return {model.name: model for model in found}


def _model_label(model: PublishedModel) -> str:
    size = quantities.count(model.shape.count_parameters().total, text().language)
    return f"{model.name} · {size}"


def compute_step() -> None:
    """Ask whether devices are rented, reserved or bought, which ones, and from whom."""
    state, say = start_state(), text()
    answers = state.document
    way = inputs.segments(
        "compute.way",
        say("start.way_label"),
        {name: say(f"start.way.{name}") for name in ("rent", "reserve", "buy")},
        "rent",
    )
    st.caption(say(f"start.way_note.{way}"))
    usual = default_of("accelerator").value
    names: dict[str | None, str] = {None: say("start.default_choice", name=_device_label(usual))}
    names |= {name: _device_label(name) for name in COMMON if name != usual}
    left, right = st.columns(2)
    with left:
        inputs.choice(
            "compute.accelerator", say("start.accelerator"), names, on_choice=_take_device
        )
    chosen = accelerator(answers.compute.accelerator or usual)
    with right:
        prices = {offer.provider: offer for offer in reversed(on_demand_offers(chosen))}
        typical = typical_price(chosen.accelerator)
        median = "–" if typical is None else _hourly(float(typical.usd_per_device_hour))
        providers: dict[str | None, str] = {
            None: say("start.median_price", n=len(prices), price=median)
        }
        providers |= {
            name: f"{name} · {_hourly(float(prices[name].usd_per_device_hour))}"
            for name in providers_of(chosen)
        }
        inputs.choice(
            "compute.provider",
            say("start.provider"),
            providers,
            help_text=say("start.provider_help"),
        )
    with st.expander(say("start.advanced")):
        left, middle, right = st.columns(3)
        with left:
            inputs.count(
                "compute.devices",
                say("start.devices"),
                None,
                help_text=say("start.devices_help"),
            )
        with middle:
            inputs.count(
                "compute.training_month",
                say("start.training_month"),
                default_of("training_month"),
            )
        with right:
            inputs.count(
                "compute.repeat_months",
                say("start.repeat_months"),
                default_of("repeat_months"),
                help_text=say("start.repeat_months_help"),
            )
    base = base_of(answers)
    if base is not None:
        st.caption(say("start.continued_note", name=base.name))


def _take_device(name: str | None) -> None:
    # Another accelerator has other providers.
    start_state().set({"compute.accelerator": name, "compute.provider": None})
    start_state().revision += 1


def _device_label(name: str) -> str:
    typical = typical_price(name)
    price = "" if typical is None else f" · {_hourly(float(typical.usd_per_device_hour))}"
    return f"{accelerators()[name].name}{price}"


def _hourly(usd: float) -> str:
    say = text()
    return say("start.hourly", price=quantities.usd(usd, say.language))
