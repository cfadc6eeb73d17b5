"""Recipes from files: complete recipes, and presets that are derived from the depth.

A file with ``depth`` needs no other field: width, heads, vocabulary, batch, learning rate and
number of steps follow from it. Each of them may also be given. The result is a complete
:class:`Recipe` that shows every derived value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from engine.document_paths import field_name, parent_path, value_or_none
from engine.documents import Document, InputError, read_toml_table
from engine.forecast import forecast
from engine.machine import Machine, this_machine
from engine.recipes.precision import best_measured_precision
from engine.recipes.recipe import ModelClass, Recipe
from engine.recipes.sample_run import run_plan

_ASPECT = 64
"""Width over depth; loss hardly depends on it across a factor of 40 (Kaplan 2020, figure 5)."""
_LARGEST_VOCAB = 16_384
"""Largest vocabulary, which a dozen megabytes of text yield easily."""
_LARGEST_BATCH_TOKENS = 2**19
_MICRO_BATCH_TOKENS = {"cpu": 2_048, "gpu": 16_384}
_EXPERTS, _TOP_K = 8, 2
_BLOCKS: Mapping[ModelClass, Mapping[str, str]] = {
    "llama": {"family": "llama"},
    "mixtral": {"family": "llama"},
    "gpt2": {"family": "gpt2"},
    "bert": {"family": "bert"},
}
"""Fields of the shape that say which block a model type has."""
_STEPS = 500
"""Usual number of steps: batches grow with the run up to _LARGEST_BATCH_TOKENS.

That limit is the batch of GPT-3's smallest models (Brown 2020, table 2.1).
"""


class DepthPreset(Document):
    """Fields that a recipe file may have in addition to a recipe's own fields."""

    depth: Annotated[int, Field(ge=1, le=200)]
    """Number of layers, from which all other values follow."""
    model: ModelClass = "llama"
    tokens_per_parameter: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    """Training tokens per parameter; 20 is about compute-optimal (Hoffmann 2022, table 3)."""
    tokens: Annotated[int, Field(ge=1, le=10**15)] | None = None
    """Largest number of training tokens, for any number of parameters."""
    minutes: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    """Largest training time on this machine in minutes, by the forecast, without the start."""


def read_recipe(source: Path | Mapping[str, Any], machine: Machine | None = None) -> Recipe:
    """Return the recipe in a TOML file or a table, with all missing values derived.

    Parameters
    ----------
    source
        A recipe's fields and, with ``depth``, those of :class:`DepthPreset`. ``layout.precision``
        may be ``auto``.
    machine
        Machine on which the recipe will run; by default this machine. ``auto`` measures it once.

    Raises
    ------
    InputError
        For the first field whose value is not allowed.
    """
    table = read_toml_table(source) if isinstance(source, Path) else source
    draft = _Draft(table)
    if "depth" not in table and draft.get("layout.precision") != "auto":
        return Recipe.parse(table)
    machine = machine or this_machine()
    preset = draft.take_preset() if "depth" in table else None
    if preset or draft.get("layout.precision") == "auto":
        draft.set_auto_precision(machine)
    if preset is None:
        return Recipe.parse(draft.table)
    _derive_shape(draft, preset)
    draft.fill("n_ranks", machine.n_devices)
    draft.fill("layout.zero_stage", 1 if draft.count("n_ranks") > 1 else 0)
    # The peak rates of Brown 2020, table 2.1, are about 0.5 over the width. The upper limits are
    # rates at which small models learn well here; post-norm models need less (Xiong 2020).
    highest = 1e-3 if preset.model == "bert" else 4e-3
    draft.fill("peak_learning_rate", min(highest, 0.5 / draft.count("shape.d_model")))
    return _with_length(draft, preset, machine)


class _Draft:
    """Table of a recipe whose missing values are being filled in."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table: dict[str, Any] = {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in table.items()
        }

    def copy(self) -> _Draft:
        return _Draft(self.table)

    def get(self, path: str) -> Any:
        return value_or_none(self.table, path)

    def fill(self, path: str, value: object) -> None:
        """Set the value at a dotted path unless it is given."""
        above = parent_path(path)
        place = self.table.setdefault(above, {}) if above else self.table
        if not isinstance(place, dict):
            raise InputError(above, repr(place), "table")
        place.setdefault(field_name(path), value)

    def count(self, path: str) -> int:
        """Return a positive whole number that was given or filled in before.

        Raises
        ------
        InputError
            If the value is not a positive whole number.
        """
        value = self.get(path)
        if type(value) is not int:
            raise InputError(path, value, "whole_number")
        if value < 1:
            raise InputError(path, value, "greater_than_equal", limit=1)
        return value

    def take_preset(self) -> DepthPreset:
        """Remove the preset's fields from the table and return them."""
        given = {
            name: self.table.pop(name) for name in DepthPreset.model_fields if name in self.table
        }
        return DepthPreset.parse(given)

    def set_auto_precision(self, machine: Machine) -> None:
        """Replace a missing or ``auto`` precision by the best of ``machine``."""
        if self.get("layout.precision") in (None, "auto"):
            self.fill("layout.precision", None)
            self.table["layout"]["precision"] = best_measured_precision(machine)


def _derive_shape(draft: _Draft, preset: DepthPreset) -> None:
    """Fill in the shape of the model from its depth."""
    draft.fill("name", f"{preset.model} depth {preset.depth}")
    for part, value in (("n_layers", preset.depth), ("d_model", _ASPECT * preset.depth)):
        draft.fill(f"shape.{part}", value)
    for part, choice in _BLOCKS[preset.model].items():
        draft.fill(f"shape.{part}", choice)
    width = draft.count("shape.d_model")
    head_dim = draft.get("shape.head_dim") or (64 if width >= 256 else 32)
    draft.fill("shape.head_dim", head_dim)
    draft.fill("shape.n_heads", max(1, width // draft.count("shape.head_dim")))
    n_heads = draft.count("shape.n_heads")
    grouped = _BLOCKS[preset.model]["family"] == "llama"
    group = next(size for size in (4, 3, 2, 1) if n_heads % size == 0) if grouped else 1
    draft.fill("shape.n_kv_heads", n_heads // group)
    draft.fill("shape.d_ff", _times_32(width * 8 / 3) if grouped else 4 * width)
    if preset.model == "mixtral":
        # The active experts of a token are together as wide as the dense network.
        experts = {"n_experts": _EXPERTS, "top_k": _TOP_K}
        draft.fill("shape.moe", experts | {"d_ff": _times_32(width * 8 / 3 / _TOP_K)})
    draft.fill("shape.vocab", min(_LARGEST_VOCAB, 512 * _power_of_2(preset.depth)))
    draft.fill("shape.seq_len_tokens", min(2_048, 64 * _power_of_2(preset.depth)))
    draft.fill("shape.tied_embeddings", True)


def _with_length(draft: _Draft, preset: DepthPreset, machine: Machine) -> Recipe:
    """Return the recipe with its batch and steps, for the tokens that the preset allows."""
    trial = draft.copy()
    for path in ("layout.micro_batch_sequences", "steps"):
        trial.fill(path, 1)
    parameters = Recipe.parse(trial.table).shape.count_parameters().total
    tokens = preset.tokens_per_parameter * parameters
    if preset.tokens is not None:
        tokens = min(tokens, preset.tokens)
    micro_batch_tokens = _MICRO_BATCH_TOKENS[machine.device.kind]
    recipe = _for_tokens(draft, tokens, micro_batch_tokens)
    if preset.minutes is not None and draft.get("steps") is None:
        for _ in range(2):  # fewer tokens give smaller batches, whose step time differs
            step_time_s = forecast(run_plan(recipe, None, machine)).step_time_s.value
            affordable = 60 * preset.minutes / step_time_s * recipe.tokens_per_step
            recipe = _for_tokens(draft, min(tokens, affordable), micro_batch_tokens)
    return recipe


def _for_tokens(draft: _Draft, tokens: float, micro_batch_tokens: int) -> Recipe:
    """Return the recipe for ``tokens``, with micro batches of about ``micro_batch_tokens``."""
    draft = draft.copy()
    seq_len, n_ranks = draft.count("shape.seq_len_tokens"), draft.count("n_ranks")
    wanted = min(_LARGEST_BATCH_TOKENS, tokens / _STEPS) / (seq_len * n_ranks)
    sequences = max(1, 2 ** round(math.log2(max(1.0, wanted))))  # per rank and step
    micro_batch = min(sequences, max(1, micro_batch_tokens // seq_len))
    draft.fill("layout.micro_batch_sequences", micro_batch)
    micro_batch = draft.count("layout.micro_batch_sequences")
    draft.fill("layout.grad_accumulation_steps", max(1, sequences // micro_batch))
    accumulated = draft.count("layout.grad_accumulation_steps")
    steps = max(1, round(tokens / (seq_len * n_ranks * micro_batch * accumulated)))
    draft.fill("steps", steps)
    draft.fill("eval_every_steps", max(1, draft.count("steps") // 10))
    return Recipe.parse(draft.table)


def _times_32(width: float) -> int:
    return max(32, round(width / 32) * 32)


def _power_of_2(depth: int) -> int:
    return int(2 ** math.ceil(math.log2(depth)))
