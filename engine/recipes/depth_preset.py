"""A recipe from a file: as it stands there, or derived from one preset.

A file with ``depth`` needs nothing else: width, heads, vocabulary, batch, learning rate and
length all follow from it, and each may be given instead. What results is a plain
:class:`Recipe`, in which all of it can be read.
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
"""Width over depth: loss hardly depends on it, across a factor of 40 (Kaplan 2020, figure 5)."""
_LARGEST_VOCAB = 16_384
"""What a dozen megabytes of text yield with ease."""
_LARGEST_BATCH_TOKENS = 2**19
_MICRO_BATCH_TOKENS = {"cpu": 2_048, "gpu": 16_384}
_EXPERTS, _TOP_K = 8, 2
_STEPS = 500
"""Batches grow with the run, so that it has about so many steps, until they are as large as
GPT-3's smallest models'."""


class DepthPreset(Document):
    """What may stand in a recipe file besides a recipe's own fields."""

    depth: Annotated[int, Field(ge=1, le=200)]
    """Layers; all else follows."""
    model: ModelClass = "llama"
    tokens_per_parameter: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    """Hoffmann 2022, table 3: about what loses least for its compute."""
    tokens: Annotated[int, Field(ge=1, le=10**15)] | None = None
    """At most so many, whatever the number of parameters."""
    minutes: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    """At most so long on this machine, by the forecast of a step; starting is not counted."""


def read_recipe(source: Path | Mapping[str, Any], machine: Machine | None = None) -> Recipe:
    """The recipe in a TOML file, or in a table, with everything derived that it leaves open.

    Parameters
    ----------
    source
        A recipe's fields and, with ``depth``, those of :class:`DepthPreset`. ``layout.precision``
        may be ``auto``.
    machine
        Where it is to run; this machine if not given. ``auto`` measures it once.

    Raises
    ------
    InputError
        For the first field that is not allowed.
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
    draft.fill("layout.zero_stage", 1 if draft.whole("n_ranks") > 1 else 0)
    # Peak rates of Brown 2020, table 2.1, are about a half over the width; small models take
    # no more than ours learn well with, and those with their norms behind less (Xiong 2020).
    most = 1e-3 if preset.model == "bert" else 4e-3
    draft.fill("peak_learning_rate", min(most, 0.5 / draft.whole("shape.d_model")))
    return _with_length(draft, preset, machine)


class _Draft:
    """A recipe's table while it is filled in."""

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
        """Set what is not given."""
        above = parent_path(path)
        place = self.table.setdefault(above, {}) if above else self.table
        if not isinstance(place, dict):
            raise InputError(above, repr(place), "table")
        place.setdefault(field_name(path), value)

    def whole(self, path: str) -> int:
        """A count that others are derived from, given or filled in before."""
        value = self.get(path)
        if type(value) is not int:
            raise InputError(path, value, "whole_number")
        if value < 1:
            raise InputError(path, value, "greater_than_equal", limit=1)
        return value

    def take_preset(self) -> DepthPreset:
        given = {
            name: self.table.pop(name) for name in DepthPreset.model_fields if name in self.table
        }
        return DepthPreset.parse(given)

    def set_auto_precision(self, machine: Machine) -> None:
        if self.get("layout.precision") in (None, "auto"):
            self.fill("layout.precision", None)
            self.table["layout"]["precision"] = best_measured_precision(machine)


def _derive_shape(draft: _Draft, preset: DepthPreset) -> None:
    draft.fill("name", f"{preset.model} depth {preset.depth}")
    for part, value in (("n_layers", preset.depth), ("d_model", _ASPECT * preset.depth)):
        draft.fill(f"shape.{part}", value)
    draft.fill("shape.family", "llama" if preset.model == "mixtral" else preset.model)
    width = draft.whole("shape.d_model")
    head_dim = draft.get("shape.head_dim") or (64 if width >= 256 else 32)
    draft.fill("shape.head_dim", head_dim)
    draft.fill("shape.n_heads", max(1, width // draft.whole("shape.head_dim")))
    n_heads = draft.whole("shape.n_heads")
    grouped = preset.model in ("llama", "mixtral")
    group = next(size for size in (4, 3, 2, 1) if n_heads % size == 0) if grouped else 1
    draft.fill("shape.n_kv_heads", n_heads // group)
    draft.fill("shape.d_ff", _times_32(width * 8 / 3) if grouped else 4 * width)
    if preset.model == "mixtral":
        # The experts that a token passes are as wide together as the dense network.
        experts = {"n_experts": _EXPERTS, "top_k": _TOP_K}
        draft.fill("shape.moe", experts | {"d_ff": _times_32(width * 8 / 3 / _TOP_K)})
    draft.fill("shape.vocab", min(_LARGEST_VOCAB, 512 * _power_of_2(preset.depth)))
    draft.fill("shape.seq_len_tokens", min(2_048, 64 * _power_of_2(preset.depth)))
    draft.fill("shape.tied_embeddings", True)


def _with_length(draft: _Draft, preset: DepthPreset, machine: Machine) -> Recipe:
    """Batch and steps, from the tokens that the model should see and may."""
    trial = draft.copy()
    for path in ("layout.micro_batch_sequences", "steps"):
        trial.fill(path, 1)
    parameters = Recipe.parse(trial.table).shape.count_parameters().total
    tokens = preset.tokens_per_parameter * parameters
    if preset.tokens is not None:
        tokens = min(tokens, preset.tokens)
    at_a_time = _MICRO_BATCH_TOKENS[machine.device.kind]
    recipe = _for_tokens(draft, tokens, at_a_time)
    if preset.minutes is not None and draft.get("steps") is None:
        for _ in range(2):  # fewer tokens make smaller batches, which take their own time
            step_time_s = forecast(run_plan(recipe, None, machine)).step_time_s.value
            affordable = 60 * preset.minutes / step_time_s * recipe.tokens_per_step
            recipe = _for_tokens(draft, min(tokens, affordable), at_a_time)
    return recipe


def _for_tokens(draft: _Draft, tokens: float, tokens_at_a_time: int) -> Recipe:
    draft = draft.copy()
    seq_len, n_ranks = draft.whole("shape.seq_len_tokens"), draft.whole("n_ranks")
    wanted = min(_LARGEST_BATCH_TOKENS, tokens / _STEPS) / (seq_len * n_ranks)
    sequences = max(1, 2 ** round(math.log2(max(1.0, wanted))))  # of a rank, in a step
    at_a_time = min(sequences, max(1, tokens_at_a_time // seq_len))
    draft.fill("layout.micro_batch_sequences", at_a_time)
    at_a_time = draft.whole("layout.micro_batch_sequences")
    draft.fill("layout.grad_accumulation_steps", max(1, sequences // at_a_time))
    accumulated = draft.whole("layout.grad_accumulation_steps")
    steps = max(1, round(tokens / (seq_len * n_ranks * at_a_time * accumulated)))
    draft.fill("steps", steps)
    draft.fill("eval_every_steps", max(1, draft.whole("steps") // 10))
    return Recipe.parse(draft.table)


def _times_32(width: float) -> int:
    return max(32, round(width / 32) * 32)


def _power_of_2(depth: int) -> int:
    return int(2 ** math.ceil(math.log2(depth)))
