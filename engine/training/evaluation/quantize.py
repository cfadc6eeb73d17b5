"""Dynamic quantization of an exported model's weights to eight bits, for CPUs.

Its command is ``python -m engine.training.evaluation.quantize MODEL_DIR NEW_DIR``. PyTorch gives
each row of a linear layer's weights a scale and quantizes inputs at run time (Jacob 2018).
Embeddings and norms stay in fp32, as do experts, which are not linear layers of PyTorch.

The result is stored as safetensors with bytes and scales, since PyTorch stores a quantized layer as
a pickle.
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
    """Return a copy of ``model`` whose linear layers have eight-bit weights.

    GPT-2's transposed layers are replaced in ``model`` itself by linear layers of the same values.
    """
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    with warnings.catch_warnings():  # of the function's move in a later PyTorch
        warnings.simplefilter("ignore")
        return quantize_dynamic(_replace_conv1d(model), {nn.Linear: per_channel_dynamic_qconfig})


def save_int8(model: Any, source: Path, folder: Path) -> None:
    """Write a model of :func:`quantize_int8`, with the configuration and tokenizer of ``source``.

    An output layer that shares the token embedding is not written; loading quantizes it again.
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
    """Load a model that :func:`save_int8` wrote; its logits are equal to the bit."""
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
            quantized = quantize_int8(nn.Sequential(shared))[0]
            layer.set_weight_bias(quantized.weight(), None)
    return model


def count_weights(folder: Path) -> tuple[int, int]:
    """Return the numbers of weights and of nonzero weights that :func:`save_int8` wrote."""
    tensors = load_file(folder / INT8_FILE)
    weights = [tensor for name, tensor in tensors.items() if not name.endswith(_SCALES)]
    n_nonzero = sum(int(weight.count_nonzero()) for weight in weights)
    return sum(weight.numel() for weight in weights), n_nonzero


def _quantized_layers(model: nn.Module) -> dict[str, Any]:
    kind = torch.ao.nn.quantized.dynamic.Linear
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, kind)}


def _replace_conv1d(model: nn.Module) -> nn.Module:
    """Replace GPT-2's layers, whose weights are transposed, by linear layers, in place."""
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
    """Quantize the model in ``source`` into ``folder``."""
    model, _ = load_model(source)
    save_int8(quantize_int8(model.cpu().float()), source, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
