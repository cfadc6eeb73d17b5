"""What the command lines of all rooms share: their language, their making, their end."""

from __future__ import annotations

import sys

import typer

from engine.documents import InputError
from engine.text import terminal_catalog

text = terminal_catalog()


def new_app(help_text: str) -> typer.Typer:
    """A command line without colours, tracebacks or completion scripts."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=help_text,
    )


def run(app: typer.Typer) -> None:
    """Run it; bad input ends with status 2 and one line on standard error."""
    try:
        app()
    except InputError as error:
        print(error.in_language(text.language), file=sys.stderr)
        sys.exit(2)
