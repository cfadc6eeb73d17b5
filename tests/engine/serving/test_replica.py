"""Memory of a replica and time of a pass, against hand calculations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.facts import accelerator
from engine.serving.passes import Pass, PassSeconds, expected_experts_share, pass_time
from engine.serving.replica import Replica, Request, ServedModel, replicas
from tests.engine.serving.models import (
    A100,
    DEEPSEEK_V3,
    EFFICIENCY,
    GROUPED,
    H100,
    H200,
    LARGE,
    REQUEST,
    SMALL,
    SPARSE,
    deployed,
)
from tests.engine.shapes import LLAMA2_7B, LLAMA3_8B


def replica(model: ServedModel, device=H100, tensor_parallel=1, **others) -> Replica:
    return Replica(
        model=model,
        device=device,
        efficiency=EFFICIENCY,
        tensor_parallel=tensor_parallel,
        **others,
    )


def decode_pass(of: Replica, sequences: float = 1, context: float = 0) -> PassSeconds:
    batch = np.array([float(sequences)])
    return pass_time(
        of,
        Pass(
            sequences=batch,
            tokens=batch,
            pairs=batch * context,
            cached=batch * context,
            is_decode=True,
        ),
    )


def test_cache_of_published_models() -> None:
    assert SMALL.cache_bytes_per_token == 524_288
    assert GROUPED.cache_bytes_per_token == 131_072
    assert SPARSE.cache_bytes_per_token == 61 * 576 * 2 == 70_272
    in_8_bits = ServedModel(shape=LLAMA3_8B, kv_value_bytes=1)
    assert in_8_bits.cache_bytes_per_token == 131_072 / 2


def test_cache_on_each_device() -> None:
    assert replica(GROUPED, tensor_parallel=4).cache_bytes_per_token == 131_072 / 4
    beyond_its_heads = replica(GROUPED, tensor_parallel=16)
    assert beyond_its_heads.cache_bytes_per_token == 131_072 / 8
    assert replica(SPARSE, tensor_parallel=8).cache_bytes_per_token == 70_272


@pytest.mark.parametrize(
    ("weights", "layer_bytes", "rest_bytes"),
    [
        ("fp32", 4, 4),
        ("bf16", 2, 2),
        ("fp8", 1, 2),
        ("int8", 1, 2),
        ("int4", 0.51953125, 2),
        ("nvfp4", 0.5625, 2),
    ],
)
def test_embeddings_and_head_stay_in_16_bits(weights, layer_bytes, rest_bytes) -> None:
    layers = 32 * (4096 * (4096 * 2 + 1024 * 2) + 3 * 4096 * 14336)
    rest = 2 * 128256 * 4096 + 65 * 4096
    found = ServedModel(shape=LLAMA3_8B, weights=weights).weight_bytes
    assert found == layer_bytes * layers + rest_bytes * rest


def test_sequences_that_fit_by_hand() -> None:
    room = 0.9 * 80e9 - 2 * LLAMA2_7B.count_parameters().total
    tokens = 1312  # 1300 in blocks of 16
    assert replica(SMALL, A100).most_sequences(REQUEST) == int(room / (tokens * 524_288))
    assert replica(LARGE).most_sequences(REQUEST) == 0
    split = replica(SPARSE, H200, 8, attention_split="sequences").most_sequences(REQUEST)
    copied = replica(SPARSE, H200, 8).most_sequences(REQUEST)
    assert split % 8 == 0
    assert 4 * copied < split < 8 * copied  # attention's weights take some of the room


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(InputError, match="tensor_parallel: 3"):
        replicas(deployed(LARGE, tensor_parallel=3))
    assert [split.tensor_parallel for split in replicas(deployed(LARGE))] == [
        *(1, 2, 4, 8),
        *(16, 32, 64),
    ]


@pytest.mark.parametrize("cached_share", [0, 0.5, 1])
def test_at_least_one_token_is_computed(cached_share) -> None:
    request = Request(input_tokens=10, output_tokens=1, cached_share=cached_share)
    assert request.new_tokens + request.cached_tokens == 10
    assert request.new_tokens == max(1, 10 - 10 * cached_share)
    for wrong in ({"input_tokens": 0}, {"cached_share": 1.1}, {"cached_share": float("nan")}):
        with pytest.raises(InputError):
            Request(**{"input_tokens": 1, "output_tokens": 1, **wrong})


def test_one_sequence_reads_all_weights() -> None:
    found = decode_pass(replica(SMALL, A100))
    parameters = LLAMA2_7B.count_parameters()
    read = parameters.total - parameters.token_embedding - parameters.norms
    assert found.total[0] == pytest.approx(2 * read / (2039e9 * 0.8))
    assert found.total[0] == pytest.approx(2 * 6.74e9 / (2039e9 * 0.8), rel=0.03)
    assert found.bound(0) == "memory bandwidth"


def test_context_is_read_besides() -> None:
    none, some = decode_pass(replica(SMALL, A100)), decode_pass(replica(SMALL, A100), 1, 2048)
    assert (some.total - none.total)[0] == pytest.approx(2048 * 524_288 / (2039e9 * 0.8))


def test_many_sequences_are_bound_by_computing() -> None:
    found = decode_pass(replica(SMALL, A100), 4096)
    parameters = LLAMA2_7B.count_parameters()
    multiplied = parameters.total - parameters.token_embedding - parameters.norms
    assert found.total[0] == pytest.approx(2 * multiplied * 4096 / (312e12 * 0.7))
    assert found.bound(0) == "compute"


def test_where_reading_and_computing_take_the_same() -> None:
    """The break point: 2 FLOPs of each sequence for the bytes of a weight."""
    point = 312e12 * 0.7 / (2039e9 * 0.8)
    assert decode_pass(replica(SMALL, A100), int(point)).bound(0) == "memory bandwidth"
    assert decode_pass(replica(SMALL, A100), int(point) + 1).bound(0) == "compute"


def test_shorter_weights_compute_faster_only_where_units_are() -> None:
    batch = 4096
    bf16 = decode_pass(replica(GROUPED), batch).compute[0]
    for weights, device, faster in (("fp8", H100, True), ("fp8", A100, False)):
        model = ServedModel(shape=LLAMA3_8B, weights=weights)
        before = decode_pass(replica(GROUPED, device), batch).total[0]
        after = decode_pass(replica(model, device), batch).total[0]
        assert (after < 0.6 * before) == faster
    head = 2 * 128256 * 4096 * batch / (989e12 * 0.7)  # stays in 16 bits
    in_fp8 = decode_pass(replica(ServedModel(shape=LLAMA3_8B, weights="fp8")), batch).compute[0]
    assert in_fp8 - head == pytest.approx((bf16 - head) / 2, rel=0.001)
    widened = decode_pass(replica(ServedModel(shape=LLAMA3_8B, weights="int4")), batch)
    assert widened.compute[0] == pytest.approx(bf16)


def test_a_precision_that_the_device_lacks() -> None:
    model = ServedModel(shape=LLAMA3_8B, weights="fp32")
    with pytest.raises(InputError, match=r"weights: fp32 .* bf16"):
        decode_pass(replica(model, H100.model_copy(update={"peak_fp32_tflops": None})))
    on_cpu = replica(GROUPED, accelerator("CPU-core"))
    assert decode_pass(on_cpu, 512).compute[0] > 0  # in 32 bits


def test_experts_that_somebody_chose() -> None:
    batch = np.array([1.0, 2.0, 1e6])
    assert expected_experts_share(256, 8, batch) == pytest.approx(
        [8 / 256, 1 - (248 / 256) ** 2, 1]
    )
    count = DEEPSEEK_V3.count_parameters()
    memory_s = decode_pass(replica(SPARSE, H200, 8)).memory[0]
    read = count.active - count.token_embedding - count.norms - count.output_head
    idle_routers = 58 * 7168 * 256 * (1 - 8 / 256)  # routers are counted with their experts
    expected_bytes = (read - idle_routers + 2 * count.output_head) / 8
    assert memory_s == pytest.approx(expected_bytes / (4800e9 * 0.8), rel=1e-6)


def test_all_reduces_by_hand() -> None:
    ring_s = 2 * 3 / 4 * 64 * 8192 * 2 / 450e9
    found = decode_pass(replica(LARGE, tensor_parallel=4), 64)
    assert found.communication[0] == pytest.approx(2 * 80 * (ring_s + 9e-6))
    assert decode_pass(replica(LARGE), 64).communication[0] == 0
    across = decode_pass(replica(LARGE, tensor_parallel=16), 64).communication[0]
    assert across == pytest.approx(2 * 80 * (2 * 15 / 16 * 64 * 8192 * 2 / 50e9 + 9e-6))


def test_attention_split_by_sequences() -> None:
    by_heads = decode_pass(replica(SPARSE, H200, 8), 256, 4096)
    by_sequences = decode_pass(replica(SPARSE, H200, 8, attention_split="sequences"), 256, 4096)
    assert by_sequences.communication[0] == pytest.approx(by_heads.communication[0] / 2)
    assert by_sequences.memory[0] < by_heads.memory[0]
    alone = decode_pass(replica(SPARSE, H200, 8, attention_split="sequences"), 1, 4096)
    assert alone.total[0] > decode_pass(replica(SPARSE, H200, 8), 1, 4096).total[0]


@given(
    st.sampled_from([SMALL, GROUPED, LARGE, SPARSE]),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 2_000),
    st.integers(1, 100_000),
)
def test_how_a_pass_must_move(model, degree, sequences, context) -> None:
    here = decode_pass(replica(model, H200, degree), sequences, context).total[0]
    more = decode_pass(replica(model, H200, degree), sequences + 1, context).total[0]
    longer = decode_pass(replica(model, H200, degree), sequences, context + 1).total[0]
    assert here < more
    assert here < longer
    assert more / (sequences + 1) <= here / sequences * (1 + 1e-12)
