"""Published models: what we count against what their authors say, and where they differ."""

from collections.abc import Callable
from math import floor, log10

import pytest

from engine.documents import InputError
from engine.facts import accelerators
from engine.models.catalog import PublishedModel, published_model, published_models
from engine.shapes import ModelShape

MODELS = published_models()
VISION_ENCODER = 34 * 12 * 1408**2  # of Llama 4: 34 layers of width 1408


def relative_positions(shape: ModelShape) -> int:
    """Transformer-XL's: one more matrix a layer."""
    return shape.n_layers * shape.d_model**2


def one_layer_of_experts(shape: ModelShape) -> int:
    assert shape.moe
    return 3 * shape.d_model * (shape.moe.n_experts * shape.moe.d_ff - shape.d_ff)


# Published totals that count something else than the shape, or not to the percent.
TOTALS: dict[str, tuple[str, Callable[[ModelShape], float]]] = {
    "Gopher-280B": ("relative positions", relative_positions),
    "Chinchilla-70B": ("relative positions", relative_positions),
    "Llama-4-Scout-17B-16E": ("counts the vision encoder", lambda _: VISION_ENCODER),
    "Kimi-K2": ("1.04T has 61 layers of experts, the model 60", one_layer_of_experts),
    "Falcon-40B": (
        "counts the output head besides the embedding that it is tied to",
        lambda shape: shape.vocab * shape.d_model,
    ),
    "GLM-130B": ("130B is a name; its configuration has 128.7B", lambda _: 1e9),
}

# Published active parameters that leave embeddings out.
WITHOUT_TOKEN_EMBEDDING = {
    "DeepSeek-V2-Lite",
    "DeepSeek-V2",
    "DeepSeek-V3",
    "DeepSeek-R1",
    "Kimi-K2",
    "gpt-oss-120b",
    "gpt-oss-20b",
}
WITHOUT_EMBEDDINGS = {"GLM-4.5-Air", "GLM-4.5"}
# These count all of them, but are published with two digits: 17.2B as 17B, 3.35B as 3.3B.
TWO_DIGITS = {"Llama-4-Scout-17B-16E", "Llama-4-Maverick-17B-128E", "Qwen3-30B-A3B"}


def is_within_a_percent(counted: float, published: float) -> bool:
    return abs(counted / published - 1) <= 0.01


def is_rounded_or_cut_to(counted: float, published: float) -> bool:
    """Whether ``published`` is ``counted`` in its first two digits."""
    unit = 10 ** (floor(log10(published)) - 1)
    return round(counted / unit) * unit == published or counted // unit * unit == published


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_totals_are_as_published(model: PublishedModel) -> None:
    counted, published = model.shape.count_parameters().total, model.parameters_total_published
    if model.name in TOTALS:
        reason, besides = TOTALS[model.name]
        assert not is_within_a_percent(counted, published), f"no exception any more: {reason}"
        counted += round(besides(model.shape))
    assert is_within_a_percent(counted, published)


@pytest.mark.parametrize(
    "model", [model for model in MODELS.values() if model.n_experts], ids=lambda model: model.name
)
def test_active_parameters_are_as_published(model: PublishedModel) -> None:
    count, published = model.shape.count_parameters(), model.parameters_active_published
    assert published
    counted = count.active
    if model.name in WITHOUT_TOKEN_EMBEDDING | WITHOUT_EMBEDDINGS | TWO_DIGITS:
        assert not is_within_a_percent(counted, published), "no exception any more"
        if model.name in WITHOUT_TOKEN_EMBEDDING:
            counted -= count.token_embedding
        if model.name in WITHOUT_EMBEDDINGS:
            counted -= count.embedding
        assert is_rounded_or_cut_to(counted, published)
    else:
        assert is_within_a_percent(counted, published)


def test_dense_models_have_no_active_parameters_of_their_own() -> None:
    for model in MODELS.values():
        count = model.shape.count_parameters()
        assert (count.active < count.total) == (model.parameters_active_published is not None)


def test_the_table_is_complete() -> None:
    assert len(MODELS) >= 100
    assert len({model.series for model in MODELS.values()}) > 30
    assert sum(model.gpu_hours is not None for model in MODELS.values()) > 40
    assert published_model("DeepSeek-V3").shape.mla
    assert published_model("Mixtral-8x7B").shape.moe
    assert published_model("Llama-3-8B").shape.is_plain


def test_what_was_not_read_at_its_source_is_marked() -> None:
    for model in MODELS.values():
        assert ("unverified" in model.source) == (model.confidence == "unverified"), model.name


def test_hardware_is_in_the_table_of_accelerators_or_of_an_unknown_variant() -> None:
    named = {model.hardware for model in MODELS.values()} - {""}
    assert named - set(accelerators()) == {"V100", "A100", "H100", "TPU-v3"}


@pytest.mark.parametrize(
    "model", [model for model in MODELS.values() if model.gpu_hours], ids=lambda model: model.name
)
def test_gpu_hours_are_possible(model: PublishedModel) -> None:
    """6·N·D at no more than 70% of the peak, and no less than 3%."""
    if model.training_tokens is None:
        return
    peaks = {"V100": 125e12, "A100": 312e12, "H100": 989e12, "TPU-v3": 123e12}
    device = accelerators().get(model.hardware)
    peak = (device and device.peak_flops_per_s("bf16")) or peaks[model.hardware]
    flops = 6 * model.shape.count_parameters().active * model.training_tokens
    assert model.gpu_hours
    assert 0.03 < flops / (model.gpu_hours * 3600 * peak) < 0.7


def test_an_unknown_model_gets_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        published_model("llama 3 8b", "plan.model")
    assert refused.value.field == "plan.model"
    assert "Llama-3-8B" in str(refused.value)


def test_an_impossible_row_is_refused() -> None:
    row = MODELS["Llama-3-8B"].model_dump() | {"n_kv_heads": 5}
    with pytest.raises(InputError) as refused:
        PublishedModel.parse(row, "models.csv:23")
    assert refused.value.field == "models.csv:23.n_kv_heads"
