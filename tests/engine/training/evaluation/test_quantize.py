"""Eight-bit weights are close to the original weights and are stored exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.training.evaluation.quantize import (
    INT8_FILE,
    count_weights,
    load_int8,
    quantize_int8,
    save_int8,
)
from engine.training.model import build_model
from tests.engine.shapes import TINY


@pytest.fixture(params=[("llama", True), ("llama", False), ("gpt2", True), ("gpt2", False)])
def model(request: pytest.FixtureRequest) -> Any:
    family, tied = request.param
    torch.manual_seed(3)
    shape = TINY.model_copy(
        update={"family": family, "tied_embeddings": tied, "n_kv_heads": 2, "vocab": 512}
    )
    return build_model(shape).eval()


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def test_to_a_disk_and_back_is_the_same_to_the_bit(
    model: Any, ids: torch.Tensor, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "model")
    plain = model(input_ids=ids).logits
    n_weights = sum(weight.numel() for weight in model.parameters())
    quantized = quantize_int8(model)
    before = quantized(input_ids=ids).logits
    save_int8(quantized, tmp_path / "model", tmp_path / "int8")
    after = load_int8(tmp_path / "int8")(input_ids=ids).logits
    assert torch.equal(before, after)
    assert 0 < float((before - plain).abs().max()) < 0.1 * float(plain.abs().max())
    assert count_weights(tmp_path / "int8")[0] == n_weights
    files = {path.suffix for path in (tmp_path / "int8").iterdir()}
    assert files == {".json", ".safetensors"}  # no file that runs code when it is loaded


@torch.no_grad()
def test_a_byte_times_its_scale_is_the_weight(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = build_model(TINY).eval()
    model.save_pretrained(tmp_path / "model")
    name = "model.layers.0.mlp.down_proj"
    weight = model.get_submodule(name).weight.clone()
    save_int8(quantize_int8(model), tmp_path / "model", tmp_path / "int8")
    kept = load_file(tmp_path / "int8" / INT8_FILE)
    integers, scales = kept[f"{name}.weight_int8"], kept[f"{name}.weight_scale"]
    assert integers.dtype == torch.int8
    assert len(scales) == len(weight)  # one scale per row
    restored = integers.double() * scales[:, None]
    assert bool(((restored - weight).abs() <= scales[:, None] * 0.501).all())
