"""Talking to a trained model: a process of its own, since this one must not import torch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Self

from engine.documents import InputError
from engine.paths import PROJECT_DIR
from engine.runs.folder import Run

MAX_PROMPT_CHARS = 20_000


class Generator:
    """A process that holds a run's model; start it once, ask it often, close it.

    Raises
    ------
    InputError
        If the run has no model (yet).
    """

    def __init__(self, run: Run) -> None:
        if run.result is None:
            raise InputError("run", run.id, "finished_run")
        self._turn = threading.Lock()
        self._log = (run.folder / "generation.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.training.generation", str(run.model_dir)],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )

    def generate(
        self, prompt: str, max_tokens: int, temperature: float, seed: int
    ) -> Iterator[str]:
        """Pieces of text that go on from ``prompt``.

        Raises
        ------
        InputError
            If the prompt is longer than 20,000 characters.
        """
        if len(prompt) > MAX_PROMPT_CHARS:
            raise InputError("prompt", prompt, "at_most_characters", limit=MAX_PROMPT_CHARS)
        request = {
            "prompt": prompt,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
        }
        assert self._process.stdin is not None
        with self._turn:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            # Read to the end even if nobody listens any more: the next answer must start clean.
            pieces = self._pieces()
            try:
                yield from pieces
            finally:
                for _ in pieces:
                    pass

    def _pieces(self) -> Iterator[str]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "done" in message:
                return
            if "text" in message:
                yield message["text"]
        raise RuntimeError(f"generation ended early; see {self._log.name}")

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
    """What this machine's devices reach, measured in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "engine.training.probe"],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured
