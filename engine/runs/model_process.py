"""A separate process that runs exported models, because the caller must not import torch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from engine.documents import InputError
from engine.paths import PROJECT_DIR, home_dir
from engine.sampling import Sampling, checked_prompt


class ModelProcess:
    """A process that loads exported models and answers requests about them.

    Start it once, send many requests, and close it. The module
    :mod:`engine.training.evaluation.inference_server` describes the messages.

    Every method takes the folder of a model (:func:`engine.runs.exported_models.export_folder`) and
    raises InputError if the model cannot answer the request.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        home_dir().mkdir(parents=True, exist_ok=True)
        self._log = (home_dir() / "models.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.training.evaluation.inference_server"],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )

    def generate(self, folder: Path, prompt: str, sampling: Sampling) -> Iterator[str]:
        """Yield pieces of text that continue ``prompt``."""
        request: dict[str, object] = {
            "prompt": checked_prompt(prompt),
            "sampling": sampling.model_dump(),
        }
        for message in self.ask("generate", folder, request):
            yield message["text"]

    def inspect(self, folder: Path, prompt: str) -> dict[str, Any]:
        """Return the loss and alternatives of each token of ``prompt``.

        See :func:`engine.training.evaluation.inspection.inspect`.
        """
        return self._result("inspect", folder, {"prompt": checked_prompt(prompt)})

    def attention(self, folder: Path, prompt: str, layer: int) -> list[list[list[float]]]:
        """Return the attention shares of a layer (from 0), of shape (heads, tokens, tokens)."""
        request: dict[str, object] = {"prompt": checked_prompt(prompt), "layer": layer}
        shares: list[list[list[float]]] = self._result("attention", folder, request)["shares"]
        return shares

    def ask(self, kind: str, folder: Path, request: dict[str, object]) -> Iterator[dict[str, Any]]:
        """Send a request and yield the messages of its answer as they arrive.

        Raises
        ------
        RuntimeError
            If the process has died.
        """
        line = json.dumps({"kind": kind, "folder": str(folder)} | request)
        assert self._process.stdin is not None
        with self._turn:
            try:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                raise self._died() from None
            # The answer is read to its end even if the caller stops early, so that the next answer
            # starts at its first message. ``yield from`` would close the iterator of messages.
            messages = self._messages()
            try:
                for message in messages:  # noqa: UP028
                    yield message
            finally:
                for _ in messages:
                    pass

    def _result(self, kind: str, folder: Path, request: dict[str, object]) -> dict[str, Any]:
        (message,) = self.ask(kind, folder, request)
        result: dict[str, Any] = message["result"]
        return result

    def _messages(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        error: InputError | None = None
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "done" in message:
                if error is not None:
                    raise error
                return
            if "error" in message:
                error = InputError(**message["error"])
            else:
                yield message
        raise self._died()

    def _died(self) -> RuntimeError:
        return RuntimeError(f"the model's process ended early; see {self._log.name}")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def probe() -> dict[str, Any]:
    """Measure the matrix-multiplication speed of this machine's devices in a separate process."""
    answer = subprocess.run(
        [sys.executable, "-m", "engine.training.bench.matmul"],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured
