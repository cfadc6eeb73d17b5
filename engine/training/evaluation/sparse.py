"""Sparse storage of pruned weights: one bit per weight, and the values that are not zero.

Loading returns the same dense tensors: the file becomes smaller, but not the computation. The
command ``python -m engine.training.evaluation.sparse MODEL_DIR NEW_DIR`` packs an exported model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

SPARSE_FILE = "model.sparse.safetensors"
_BITS, _VALUES, _SHAPE = ".nonzero_bits", ".nonzero_values", ".shape"


def pack(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return each tensor unchanged, or as bits and values if these take fewer bytes."""
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        kept = tensor != 0
        n_zero = tensor.numel() - int(kept.sum())
        if 8 * n_zero * tensor.element_size() <= tensor.numel():
            packed[name] = tensor.contiguous()
            continue
        packed[name + _BITS] = torch.from_numpy(np.packbits(kept.numpy()))
        packed[name + _VALUES] = tensor[kept]
        packed[name + _SHAPE] = torch.tensor(tensor.shape)
    return packed


def unpack(packed: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors that were given to :func:`pack`."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(_BITS):
            stem = name.removesuffix(_BITS)
            shape, values = packed[stem + _SHAPE], packed[stem + _VALUES]
            bits = np.unpackbits(tensor.numpy(), count=int(shape.prod()))
            dense = torch.zeros(int(shape.prod()), dtype=values.dtype)
            dense[torch.from_numpy(bits).bool()] = values
            tensors[stem] = dense.reshape(shape.tolist())
        elif not name.endswith((_VALUES, _SHAPE)):
            tensors[name] = tensor
    return tensors


def pack_folder(source: Path, folder: Path) -> None:
    """Pack the weights of an exported model into one file of ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(source.glob("*.safetensors")):
        tensors |= load_file(path)
    save_file(pack(tensors), folder / SPARSE_FILE, metadata={"format": "pt"})


if __name__ == "__main__":
    pack_folder(Path(sys.argv[1]), Path(sys.argv[2]))
