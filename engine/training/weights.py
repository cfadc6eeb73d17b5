"""Loading of models from safetensors files."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from engine.documents import InputError
from engine.shapes import ModelShape
from engine.training.model import model_of


def load_initial_weights(shape: ModelShape, folder: Path) -> PreTrainedModel:
    """Return a model of ``shape`` with the weights in ``folder``, ready to train.

    Raises
    ------
    InputError
        If a weight is missing.
    """
    model, report = model_of(shape).from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        dtype=torch.float32,
        attn_implementation="sdpa",
        **_WITHOUT_DROPOUT.get(shape.family, {}),
    )
    if missing := sorted(report["missing_keys"]):
        raise InputError("init_from", str(folder), "weights_of_config", weight=missing[0])
    model.config.use_cache = False
    return model.train()


def load_teacher(folder: Path, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """Return a frozen model in evaluation mode, whole on this rank's device."""
    teacher = AutoModelForCausalLM.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, dtype=dtype
    )
    return teacher.to(device).eval().requires_grad_(False)


_WITHOUT_DROPOUT = {
    "gpt2": dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
    "bert": dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0),
}
