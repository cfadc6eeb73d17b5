"""What training needs to go on, beyond a model: collected from DeepSpeed, and given back to it.

DeepSpeed decides what belongs to a checkpoint; where it goes to and comes from is ours. Loading
reads tensors and plain values alone: DeepSpeed's own loader unpickles, and so runs whatever code
a file holds.
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
"""Of DeepSpeed, in its states: they hold numbers and do nothing when they are made."""
_PRUNED = "pruned.pt"


class StateCollector(CheckpointEngine):
    """DeepSpeed's way to its checkpoints. What it saves is collected, to be written without it
    being in the way: all ranks write at their own pace."""

    def __init__(self) -> None:
        super().__init__()
        self.collected: dict[str, Any] = {}
        """By file name. The tensors are those of training itself: write them before it goes on."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Not before all is collected."""

    def create(self, info: object) -> None:
        self.collected = {}

    def save(self, state_dict: object, path: str) -> None:
        self.collected[Path(path).name] = state_dict

    def load(self, path: str, map_location: Any = None) -> Any:
        return load_plain(Path(path), map_location)

    def commit(self, info: object) -> bool:
        return True


def load_plain(path: Path, map_location: Any = "cpu") -> Any:
    """Tensors and plain values from a file.

    Raises
    ------
    InputError
        If there is anything else in it, which is never run.
    """
    try:
        with safe_globals(_PLAIN_CLASSES):
            return torch.load(path, map_location, weights_only=True)
    except UnpicklingError as error:
        raise InputError(str(path), _reason(error), "plain_state") from None


def _reason(error: UnpicklingError) -> str:
    """The one line of torch's explanation that says what was met."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line.startswith("WeightsUnpickler error")), lines[0])


class TrainingState:
    """All that this rank's training is besides its model and its place in the data."""

    def __init__(self, engine: DeepSpeedEngine, pruned: PrunedWeights | None) -> None:
        self._engine, self._pruned = engine, pruned
        self._files = engine.checkpoint_engine = StateCollector()

    def collect(self) -> dict[str, Any]:
        """This rank's states by file name; every rank calls it. They are those of training itself:
        write them before it goes on."""
        # DeepSpeed copies two programs beside what it saves, which unpickle checkpoints.
        with tempfile.TemporaryDirectory() as folder:
            self._engine.save_checkpoint(folder, tag=TRAINING, save_latest=False)
        states = self._files.collected
        states[_random_file()] = _random_states()
        if self._pruned and distributed.get_rank() == 0:
            states[_PRUNED] = self._pruned.masks
        return states

    def restore(self, checkpoint: Path) -> None:
        """Go back to the state in a checkpoint; every rank calls it, on an engine that has not
        trained.

        Raises
        ------
        InputError
            If a file holds what is not plain.
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
    """What they take on a disk, but for names and numbers."""
    storages = [tensor.untyped_storage() for tensor in _tensors(states)]
    return sum({one.data_ptr(): one.nbytes() for one in storages}.values())


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
