"""State of training beyond the model's weights: collected from DeepSpeed and restored to it.

DeepSpeed decides which states belong to a checkpoint; this module decides where they are written
and read. Loading accepts tensors and plain values only: DeepSpeed's own loader unpickles, which
runs any code that a file holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from deepspeed import DeepSpeedEngine
from deepspeed.runtime.checkpoint_engine.checkpoint_engine import CheckpointEngine
from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
from deepspeed.runtime.zero.config import ZeroStageEnum
from deepspeed.utils.tensor_fragment import fragment_address
from torch import distributed
from torch.serialization import safe_globals

from engine.documents import InputError
from engine.recipes.checkpoints import TRAINING
from engine.training.pruning import PrunedWeights

_PLAIN_CLASSES = [DynamicLossScaler, LossScaler, ZeroStageEnum, fragment_address]
"""DeepSpeed classes that its states hold; they contain numbers and run no code on creation."""
_PRUNED = "pruned.pt"
"""File of the pruning masks."""


class StateCollector(CheckpointEngine):
    """DeepSpeed checkpoint engine that collects states in memory instead of writing files.

    The ranks write the collected states later, each without waiting for the others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.collected: dict[str, Any] = {}
        """States by file name. They share memory with training: write them before the next step."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create no folder: the caller writes the collected states."""

    def create(self, info: object) -> None:
        self.collected = {}

    def save(self, state_dict: object, path: str) -> None:
        self.collected[Path(path).name] = state_dict

    def load(self, path: str, map_location: Any = None) -> Any:
        return load_plain(Path(path), map_location)

    def commit(self, info: object) -> bool:
        return True


def load_plain(path: Path, map_location: Any = "cpu") -> Any:
    """Load tensors and plain values from a file.

    Raises
    ------
    InputError
        If the file holds any other object, whose code is never run.
    """
    try:
        with safe_globals(_PLAIN_CLASSES):
            return torch.load(path, map_location, weights_only=True)
    except UnpicklingError as error:
        raise InputError(str(path), _reason(error), "plain_state") from None


def _reason(error: UnpicklingError) -> str:
    """Return the line of torch's message that names the object it refused."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line.startswith("WeightsUnpickler error")), lines[0])


class TrainingState:
    """State of this rank's training apart from the weights and the position in the data."""

    def __init__(self, engine: DeepSpeedEngine, pruned: PrunedWeights | None) -> None:
        self._engine, self._pruned = engine, pruned
        self._files = engine.checkpoint_engine = StateCollector()

    def collect(self) -> dict[str, Any]:
        """Return this rank's states by file name; every rank must call this.

        The states share memory with training: write them before the next step.
        """
        # DeepSpeed also writes two scripts that unpickle checkpoints; they stay in this folder.
        with tempfile.TemporaryDirectory() as folder:
            self._engine.save_checkpoint(folder, tag=TRAINING, save_latest=False)
        states = self._files.collected
        states[_random_file()] = _random_states()
        if self._pruned and distributed.get_rank() == 0:
            states[_PRUNED] = self._pruned.masks
        return states

    def restore(self, checkpoint: Path) -> None:
        """Restore the state in a checkpoint; every rank must call this before its first step.

        Raises
        ------
        InputError
            If a file holds anything but tensors and plain values.
        """
        folder = checkpoint / TRAINING
        self._engine.load_checkpoint(str(checkpoint), tag=TRAINING)
        if self._pruned:
            self._pruned.set_masks(load_plain(folder / _PRUNED))
        random = load_plain(folder / _random_file())
        torch.set_rng_state(random["cpu"])
        if "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"])


def size_bytes(states: dict[str, Any]) -> int:
    """Return the size of all tensors on disk, in bytes; shared storage counts once."""
    storages = [tensor.untyped_storage() for tensor in _tensors(states)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _tensors(states: object) -> Iterator[torch.Tensor]:
    if isinstance(states, torch.Tensor):
        yield states
    elif isinstance(states, Mapping):
        yield from _tensors(list(states.values()))
    elif isinstance(states, list | tuple):
        for state in states:
            yield from _tensors(state)


def _random_file() -> str:
    return f"random_rank_{distributed.get_rank():05d}.pt"


def _random_states() -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states
