"""Weights in eight bits: ``python -m engine.training.evaluation.quantize MODEL_DIR NEW_DIR``.

PyTorch's dynamic quantisation: each row of a linear layer's weights has a scale, inputs are
quantize_int8 as they come (Jacob 2018). Embeddings and norms stay as they are, and so do experts,
which are no linear layers of PyTorch's. What it runs on is a CPU.

Kept as safetensors, bytes and scales: PyTorch's own form of a quantize_int8 layer is a pickle.
"""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from engine.training.evaluation.generation import load_model

INT8_FILE = "model.int8.safetensors"
_BYTES, _SCALES, _BIAS = ".weight_int8", ".weight_scale", ".bias"


def quantize_int8(model: Any) -> Any:
    """A copy whose linear layers compute with eight-bit weights; GPT-2's own are changed in
    ``model`` to linear layers of the same values."""
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    with warnings.catch_warnings():  # that a later PyTorch will have this elsewhere
        warnings.simplefilter("ignore")
        return quantize_dynamic(_replace_conv1d(model), {nn.Linear: per_channel_dynamic_qconfig})


def save_int8(model: Any, source: Path, folder: Path) -> None:
    """Write a :func:`quantize_int8` model, with configuration and tokenizer of ``source``.

    A head that shares the token embedding is made again from it on loading.
    """
    tied = bool(model.config.tie_word_embeddings)
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.named_parameters()}
    for name, layer in _quantized_layers(model).items():
        if tied and layer is model.get_output_embeddings():
            continue
        weight, bias = layer.weight(), layer.bias()
        tensors[name + _BYTES] = weight.int_repr()
        tensors[name + _SCALES] = weight.q_per_channel_scales()
        if bias is not None:
            tensors[name + _BIAS] = bias.detach()
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.json"):
        if not path.name.endswith(".index.json"):
            shutil.copy(path, folder)
    save_file(tensors, folder / INT8_FILE, metadata={"format": "pt"})


def load_int8(folder: Path) -> Any:
    """The model that :func:`save_int8` wrote; its logits are the same to the bit."""
    tensors = load_file(folder / INT8_FILE)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    model = quantize_int8(model.eval())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])
    for name, layer in _quantized_layers(model).items():
        if name + _BYTES in tensors:
            weight = torch._make_per_channel_quantized_tensor(
                tensors[name + _BYTES],
                tensors[name + _SCALES],
                torch.zeros(len(tensors[name + _SCALES]), dtype=torch.long),
                0,
            )
            layer.set_weight_bias(weight, tensors.get(name + _BIAS))
        else:
            shared = nn.Linear(layer.in_features, layer.out_features, bias=False)
            shared.weight = nn.Parameter(model.get_input_embeddings().weight.detach())
            made = quantize_int8(nn.Sequential(shared))[0]
            layer.set_weight_bias(made.weight(), None)
    return model


def count_weights(folder: Path) -> tuple[int, int]:
    """(weights, those that are not zero) of a folder that :func:`save_int8` wrote."""
    tensors = load_file(folder / INT8_FILE)
    weights = [tensor for name, tensor in tensors.items() if not name.endswith(_SCALES)]
    return sum(one.numel() for one in weights), sum(int(one.count_nonzero()) for one in weights)


def _quantized_layers(model: nn.Module) -> dict[str, Any]:
    kind = torch.ao.nn.quantized.dynamic.Linear
    return {name: one for name, one in model.named_modules() if isinstance(one, kind)}


def _replace_conv1d(model: nn.Module) -> nn.Module:
    """GPT-2's layers hold their weights transposed: as linear layers, in place."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv1D):
                n_in, n_out = layer.weight.shape
                plain = nn.Linear(n_in, n_out)
                plain.weight = nn.Parameter(layer.weight.detach().T.contiguous())
                plain.bias = layer.bias
                setattr(parent, name, plain)
    return model


def main(source: Path, folder: Path) -> None:
    model, _ = load_model(source)
    save_int8(quantize_int8(model.cpu().float()), source, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
