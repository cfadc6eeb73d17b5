"""Check the package against published figures, and against figures that follow from them exactly.

The cases are in ``reference_cases/`` beside this file. The environment variable
``REFERENCE_CASES`` may name another folder to check, with files of the same format:
``{topic, vectors: [{id, op, inputs, expected, published, published_rel_tol}]}``. Fractions are text
such as ``"4/7"``, and paths in ``inputs`` are relative to the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.finance.reference_ops import OPS

OWN_COPY = Path(__file__).parent / "reference_cases"
FOLDER = Path(os.environ.get("REFERENCE_CASES") or OWN_COPY)
REL_TOL = 1e-6
"""Relative tolerance of ``expected`` values, which are exact or almost exact."""
ABS_TOL = 1e-9
"""Absolute tolerance where zero is expected."""


def _cases() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        for vector in document.get("vectors", ()):  # some files hold only facts
            found.append(pytest.param(vector, id=f"{document['topic']}:{vector['id']}"))
    return found


@pytest.mark.parametrize("case", _cases())
def test_case(case: Mapping[str, Any]) -> None:
    assert case["op"] in OPS, f"no op {case['op']!r}; there are {', '.join(sorted(OPS))}"
    inputs = dict(case["inputs"])
    if "path" in inputs:
        inputs["path"] = str(FOLDER / inputs["path"])
    given = OPS[case["op"]](inputs)
    for name, want in (case.get("expected") or {}).items():
        _compare(name, given, want, REL_TOL)
    for name, want in (case.get("published") or {}).items():
        _compare(name, given, want, case.get("published_rel_tol") or REL_TOL)


def test_the_folder_has_cases() -> None:
    assert _cases(), f"no cases in {FOLDER}"


def _compare(name: str, given: Mapping[str, Any], want: Any, rel_tol: float) -> None:
    assert name in given, f"{name} is not among {', '.join(given)}"
    assert _plain(given[name]) == _near(want, rel_tol), name


def _near(want: Any, rel_tol: float) -> Any:
    """Return ``want`` with its numbers as approximations, for comparison."""
    if isinstance(want, Mapping):
        return {key: _near(value, rel_tol) for key, value in want.items()}
    if isinstance(want, list):
        return [_near(value, rel_tol) for value in want]
    if want is None or isinstance(want, bool):
        return want
    return pytest.approx(float(Fraction(want)), rel=rel_tol, abs=ABS_TOL)


def _plain(given: Any) -> Any:
    """Return ``given`` as lists, dicts and floats."""
    if isinstance(given, Mapping):
        return {key: _plain(value) for key, value in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_plain(value) for value in given]
    return given if given is None or isinstance(given, bool) else float(given)
