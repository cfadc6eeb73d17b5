"""Run a command of ``python -m finance`` in this process."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.documents import InputError
from finance.cli.main import app


def run(*words: object) -> str:
    """Return the output of a command, which must succeed."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def answer(*words: object) -> Any:
    """Return the JSON that the command prints."""
    return json.loads(run(*words, "--json"))


def refused(*words: object) -> str:
    """Return the line about bad input with which the command ends."""
    with pytest.raises(InputError) as error:
        CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return str(error.value)
