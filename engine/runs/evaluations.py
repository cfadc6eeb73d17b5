"""Evaluations of a run's exported models, each made once and kept in the run's folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from engine.documents import InputError
from engine.files import read_json, write_json
from engine.runs.exported_models import FINAL, export_folder, trained_until
from engine.runs.folder import Run
from engine.runs.model_process import ModelProcess
from engine.scores import Evaluation, QuestionSettings


def kept_evaluation(run: Run, which: str = FINAL) -> Evaluation | None:
    """Return the kept evaluation of an export.

    None if the export was not evaluated, or only by another version of the evaluation.
    """
    data = read_json(run.folder / f"evaluation-{which}.json")
    try:
        return None if data is None else Evaluation.parse(data)
    except InputError:
        return None


def evaluate(
    process: ModelProcess,
    run: Run,
    which: str = FINAL,
    settings: QuestionSettings = QuestionSettings(),
    *,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Evaluation:
    """Evaluate an export and keep the result in the run's folder.

    Parameters
    ----------
    settings
        Number of questions of each kind, and the seed that selects them.
    on_progress
        Function that is called with the share that is done, from 0 to 1.

    Raises
    ------
    InputError
        If there is no such export, or its text is too short.
    """
    folder = export_folder(run, which)
    request: dict[str, object] = {"run": str(run.folder), "asked": settings.model_dump()}
    result: dict[str, object] = {}
    for message in process.ask("evaluate", folder, request):
        on_progress(message.get("share", 1.0))
        result = message.get("result", result)
    step, tokens = trained_until(run, which)
    found = Evaluation.parse({"which": which, "step": step, "tokens": tokens} | result)
    write_json(run.folder / f"evaluation-{which}.json", found.model_dump(mode="json"))
    return found


class EvaluationJob:
    """Evaluates exports of a run one after the other, in its own thread and process."""

    def __init__(
        self, run: Run, exports: Sequence[str], settings: QuestionSettings = QuestionSettings()
    ) -> None:
        self.run, self.exports, self.settings = run, tuple(exports), settings
        self.share = 0.0
        self.error: Exception | None = None
        self._first: tuple[float, float] | None = None
        """Monotonic time of the first reported share, and that share. The time before it is left
        out of the estimate, because loading the model takes a time of its own."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until all evaluations are done or one has failed."""
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def seconds_left(self) -> float | None:
        """Seconds left at the rate since the first reported share; None before the second."""
        if self._first is None or self.share <= self._first[1]:
            return None
        elapsed_s, done = time.monotonic() - self._first[0], self.share - self._first[1]
        return elapsed_s * (1 - self.share) / done

    def _work(self) -> None:
        try:
            with ModelProcess() as process:
                for index, which in enumerate(self.exports):
                    on_progress = partial(self._record_share, index)
                    evaluate(process, self.run, which, self.settings, on_progress=on_progress)
        except (InputError, RuntimeError, OSError) as error:
            self.error = error

    def _record_share(self, index: int, share: float) -> None:
        self.share = (index + share) / len(self.exports)
        self._first = self._first or (time.monotonic(), self.share)
