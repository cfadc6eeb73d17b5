"""Unfinished answers of a browser, kept over a reload and a restart of the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.files import read_json, write_json
from engine.paths import home_dir
from finance.start.answers import StartAnswers

_BROWSER = re.compile(r"[0-9a-f]{16,128}")


def keep_answers(browser: str | None, step: int, answers: dict[str, Any]) -> None:
    """Keep the answers of a browser; nothing is kept of a browser without an id."""
    path = _path(browser)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"step": step, "answers": answers})


def kept_answers(browser: str | None) -> tuple[int, dict[str, Any]] | None:
    """Return the step and the answers of a browser; None if there are none that can be read."""
    path = _path(browser)
    try:
        kept = read_json(path) if path is not None else None
        if kept is None:
            return None
        step, answers = int(kept["step"]), dict(kept["answers"])
        StartAnswers.parse(answers)
    except (KeyError, TypeError, ValueError):  # cut off, or of an earlier release
        return None
    return step, answers


def forget_answers(browser: str | None) -> None:
    """Remove the answers of a browser, after they have become a scenario."""
    path = _path(browser)
    if path is not None:
        path.unlink(missing_ok=True)


def _path(browser: str | None) -> Path | None:
    if browser is None or not _BROWSER.fullmatch(browser):
        return None
    return home_dir() / "start" / f"{browser}.json"
