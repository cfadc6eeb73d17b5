"""Parameter counts against the published ones, to the parameter."""

import pytest

from engine.documents import InputError
from engine.shapes import ModelShape
from tests.engine.shapes import GPT2_124M, LLAMA2_7B, LLAMA3_8B, TINY


@pytest.mark.parametrize(
    ("shape", "published"),
    [(GPT2_124M, 124_439_808), (LLAMA2_7B, 6_738_415_616), (LLAMA3_8B, 8_030_261_248)],
    ids=["GPT-2 124M", "Llama-2 7B", "Llama-3 8B"],
)
def test_published_models_to_the_parameter(shape: ModelShape, published: int) -> None:
    assert shape.count_parameters().total == published


def test_hand_count_of_a_tiny_llama() -> None:
    # Each layer: q 64·64, k and v 64·32 each, o 64·64; gate, up, down 3·64·192; two norms of 64.
    attention = 64 * 64 + 2 * 64 * 32 + 64 * 64
    layer = attention + 3 * 64 * 192 + 2 * 64
    count = TINY.count_parameters()
    assert count.non_embedding == 2 * layer + 64
    assert count.embedding == 1024 * 64  # tied: counted once


def test_embeddings_are_counted_apart() -> None:
    count = GPT2_124M.count_parameters()
    assert count.embedding == 50257 * 768 + 1024 * 768
    assert count.non_embedding == 85_056_000  # 12 blocks of 7,087,872 and the last norm's 1,536


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_kv_heads": 3}, "n_kv_heads"),
        ({"head_dim": 33}, "head_dim"),
        ({"n_layers": 0}, "n_layers"),
        ({"d_model": 10**9}, "d_model"),
    ],
)
def test_impossible_shapes_are_refused(changes: dict[str, int], field: str) -> None:
    with pytest.raises(InputError) as refused:
        LLAMA3_8B.with_values(changes)
    assert refused.value.field == field
