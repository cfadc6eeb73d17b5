"""Serving a plan's model: decoding by hand, and within the memory that there is."""

import pytest

from engine.documents import InputError
from engine.facts import accelerator
from engine.layout import Layout
from engine.models.catalog import published_model
from engine.plan import on_accelerator
from engine.predictor.estimate import efficiency_of
from engine.predictor.stacks import stacks
from engine.serving_forecast import (
    choice_for,
    planned_serving,
    request_of,
    served_model,
    serving_efficiency,
)
from finance.company.scenario import Scenario

H100 = accelerator("H100-80GB")
CPU = accelerator("CPU-core")
PARAMETERS = 1_235_814_400
CACHE_BYTES_PER_TOKEN = 2 * 16 * 8 * 64 * 2  # keys and values, layers, heads, width, 16 bits


def test_cache_of_the_startup_by_hand(startup: Scenario) -> None:
    assert served_model(startup.plan).cache_bytes_per_token == CACHE_BYTES_PER_TOKEN


def test_the_startup_by_hand(startup: Scenario) -> None:
    """A step reads all weights and all caches; both take longer than computing with them."""
    known = efficiency_of(H100, Layout(micro_batch_sequences=1), stacks()["default"])
    bandwidth = 3350e9 * known.bandwidth_share[0]
    batch, request = 64, request_of(startup.plan)
    attended = request.input_tokens + request.output_tokens / 2
    weights_s = 2 * PARAMETERS / bandwidth
    assert weights_s > 2 * PARAMETERS * batch / (989e12 * known.base_matmul_share[0])
    step_s = weights_s + batch * attended * CACHE_BYTES_PER_TOKEN / bandwidth
    plan = startup.plan.with_value("serving.concurrent_sequences", batch)
    point = planned_serving(plan).point
    assert point.batch == batch
    assert point.tensor_parallel == 1
    assert point.decode_tokens_per_s_per_device == pytest.approx(batch / step_s, rel=1e-3)


def test_no_more_answers_at_a_time_than_fit(startup: Scenario) -> None:
    """More than fit anywhere: as many as memory allows, not as many as were asked for."""
    more = startup.plan.with_value("serving.concurrent_sequences", 100_000)
    point = planned_serving(more).point
    room = 0.9 * 80e9 * point.tensor_parallel - 2 * PARAMETERS
    request = request_of(more)
    length = -(-(request.input_tokens + request.output_tokens) // 16) * 16
    assert 64 < point.batch <= point.most_sequences
    assert point.most_sequences <= room / (length * CACHE_BYTES_PER_TOKEN)


def test_a_model_larger_than_a_device_shares_several(startup: Scenario) -> None:
    large = startup.plan.with_values(
        {"shape.n_layers": 160, "shape.d_model": 8192, "shape.n_kv_heads": 32, "shape.d_ff": 28672}
    )
    assert large.shape.count_parameters().total * 2 > 80e9
    point = planned_serving(large).point
    assert point.tensor_parallel * 0.9 * 80e9 > large.shape.count_parameters().total * 2
    small = planned_serving(startup.plan).point
    assert point.decode_tokens_per_s_per_device < small.decode_tokens_per_s_per_device / 50


def test_a_model_that_no_node_holds_is_refused(laptop: Scenario) -> None:
    huge = laptop.plan.with_values(
        {"shape.n_layers": 100, "shape.d_model": 16_384, "shape.d_ff": 65_536}
    )
    with pytest.raises(InputError, match=r"serving\.weights: as_trained .* CPU-core"):
        planned_serving(huge)


def test_shorter_weights_take_less_and_are_served_faster(startup: Scenario) -> None:
    plain = planned_serving(startup.plan)
    short = planned_serving(startup.plan.with_value("serving.weights", "int4"))
    assert served_model(startup.plan).weights == "bf16"
    assert served_model(startup.plan.with_value("layout.precision", "fp8")).weights == "bf16"
    assert short.prices.usd_per_million_output_tokens < plain.prices.usd_per_million_output_tokens


def test_shares_of_the_peaks_are_those_of_training(startup: Scenario) -> None:
    known = efficiency_of(H100, startup.plan.layout, stacks()[startup.plan.software])
    serving = serving_efficiency(startup.plan, H100)
    assert serving.matmul_share == known.base_matmul_share[0]
    assert serving.bandwidth_share == known.bandwidth_share[0]
    assert serving.attention_share == known.attention_share[0]
    assert serving.layer_overhead_s == 0  # graphs launch a step's kernels at once


def test_without_graphs_the_host_launches_each_layer(laptop: Scenario) -> None:
    known = efficiency_of(CPU, laptop.plan.layout, stacks()[laptop.plan.software])
    serving = serving_efficiency(laptop.plan, CPU)
    assert serving.layer_overhead_s == pytest.approx(known.layer_host_s[0] / 3)


def test_prices_add_up_to_what_the_device_costs(startup: Scenario) -> None:
    """An hour of output tokens at the planned utilisation is worth an hour of the device."""
    served = planned_serving(startup.plan)
    made = served.point.decode_tokens_per_s_per_device * 3600
    worth = made * served.prices.usd_per_million_output_tokens / 1e6
    price = float(startup.plan.cluster.price_usd_per_device_hour)
    assert worth == pytest.approx(price / startup.plan.serving.utilisation_share)


def test_another_device_may_serve_it(startup: Scenario) -> None:
    point = choice_for(startup.plan, accelerator("H200-141GB")).point
    assert point is not None
    here = planned_serving(startup.plan).point
    assert point.decode_tokens_per_s_per_device > here.decode_tokens_per_s_per_device


@pytest.mark.parametrize("name", ["V100-SXM2-32GB", "T4-16GB", "GB200"])
def test_devices_without_bf16_and_racks_serve_too(name: str, startup: Scenario) -> None:
    plan = on_accelerator(startup.plan, name)
    assert planned_serving(plan).point.decode_tokens_per_s_per_device > 0


def test_a_rack_serves_what_needs_more_than_a_node_of_it(startup: Scenario) -> None:
    shape = published_model("DeepSeek-V3").shape.model_dump(mode="json")
    plan = on_accelerator(startup.plan, "GB200").with_value("shape", shape)
    assert planned_serving(plan).point.tensor_parallel > 8
