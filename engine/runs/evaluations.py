"""Evaluations of a run's exported models: made once, kept in its folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from engine.documents import InputError
from engine.files import read_json, write_json
from engine.runs.exported_models import FINAL, export_folder, trained_until
from engine.runs.folder import Run
from engine.runs.model_process import ModelProcess
from engine.scores import Evaluation, QuestionSettings


def kept_evaluation(run: Run, which: str = FINAL) -> Evaluation | None:
    """What was found before; None if nothing was, or by another version of the exam."""
    data = read_json(run.folder / f"evaluation-{which}.json")
    try:
        return None if data is None else Evaluation.parse(data)
    except InputError:
        return None


def evaluate(
    process: ModelProcess,
    run: Run,
    which: str = FINAL,
    asked: QuestionSettings = QuestionSettings(),
    *,
    tell: Callable[[float], None] = lambda _: None,
) -> Evaluation:
    """Evaluate an export and keep what was found in the run's folder.

    Parameters
    ----------
    tell
        Is told the share that is done, from 0 to 1.

    Raises
    ------
    InputError
        If there is no such export, or its text is too short.
    """
    folder = export_folder(run, which)
    question: dict[str, object] = {"run": str(run.folder), "asked": asked.model_dump()}
    result: dict[str, object] = {}
    for message in process.ask("evaluate", folder, question):
        tell(message.get("share", 1.0))
        result = message.get("result", result)
    step, tokens = trained_until(run, which)
    found = Evaluation.parse({"which": which, "step": step, "tokens": tokens} | result)
    write_json(run.folder / f"evaluation-{which}.json", found.model_dump(mode="json"))
    return found


class EvaluationJob:
    """Evaluates exports of a run one after the other, in a thread and a process of its own."""

    def __init__(
        self, run: Run, whiches: Sequence[str], asked: QuestionSettings = QuestionSettings()
    ) -> None:
        self.run, self.whiches, self.asked = run, tuple(whiches), asked
        self.share = 0.0
        self.error: Exception | None = None
        self._first: tuple[float, float] | None = None
        """When the first share was told, and which: loading takes a time of its own."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def seconds_left(self) -> float | None:
        """At the pace since the first share was told; None before the second."""
        if self._first is None or self.share <= self._first[1]:
            return None
        elapsed_s, done = time.monotonic() - self._first[0], self.share - self._first[1]
        return elapsed_s * (1 - self.share) / done

    def _work(self) -> None:
        try:
            with ModelProcess() as process:
                for index, which in enumerate(self.whiches):
                    evaluate(process, self.run, which, self.asked, tell=self._teller(index))
        except (InputError, RuntimeError, OSError) as error:
            self.error = error

    def _teller(self, index: int) -> Callable[[float], None]:
        def tell(share: float) -> None:
            self.share = (index + share) / len(self.whiches)
            self._first = self._first or (time.monotonic(), self.share)

        return tell
