"""Parts that the command lines of the engine and of finance share: language, creation and exit."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from engine.documents import InputError
from engine.text import terminal_catalog

text = terminal_catalog()


class LazyCommand(NamedTuple):
    """A command, or a group of commands, whose module is imported when the command is used."""

    name: str
    module: str
    """Module whose ``add_to(app)`` adds the command."""
    help_key: str
    """Key of its help text in the message catalogs."""


class LazyGroup(TyperGroup):
    """A command line that imports the module of one command at a time.

    Importing the modules of all commands takes seconds, most of them for SciPy, Optuna and pandas,
    which few commands need. Until a command is chosen, it has a name and a help text only.
    """

    lazy_commands: ClassVar[Sequence[LazyCommand]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in self.lazy_commands:
            self.add_command(TyperCommand(command.name, help=text(command.help_key)))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and remaining words, with the command's module imported."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, self.imported(args[0]), rest

    def imported(self, name: str) -> Any:
        """Import the module of a command and return the command."""
        (command,) = (command for command in self.lazy_commands if command.name == name)
        app = new_app("")
        importlib.import_module(command.module).add_to(app)
        return typer.main.get_group(app).commands[name]


def lazy_app(help_text: str, commands: Sequence[LazyCommand]) -> typer.Typer:
    """Return a command line with commands that are imported when they are used."""
    group = type("LazyCommands", (LazyGroup,), {"lazy_commands": commands})
    app = new_app(help_text, group)
    app.callback()(_no_options)
    return app


def _no_options() -> None:
    """Make Typer accept an app that has no command registered yet."""


def new_app(help_text: str, group: type[TyperGroup] | None = None) -> typer.Typer:
    """Return a command line without colours, tracebacks or completion scripts."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=help_text,
        cls=group,
    )


def run(app: typer.Typer) -> None:
    """Run a command line. Wrong input exits with status 2 and one line on standard error."""
    try:
        app()
    except InputError as error:
        print(error.in_language(text.language), file=sys.stderr)
        sys.exit(2)
