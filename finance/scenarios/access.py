"""Rights of a browser to a scenario that it opens by its id."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal

Access = Literal["edit", "claim", "read", "none"]
"""Edit it; read it and become its editor; read it; or nothing, as for an unknown scenario."""


def access(
    *, is_sample: bool, editors: Set[str], browser: str | None, is_this_machine: bool
) -> Access:
    """Return what a browser may do with a scenario.

    A browser may edit what it created. On the machine that the server runs on, another browser may
    take a scenario over by an explicit step, because its user may have cleared the cookies. From
    elsewhere, a scenario of another browser is shown by share links only.

    Parameters
    ----------
    is_sample
        Whether it is a sample, of which a save makes a copy.
    editors
        Browsers that may edit it; empty if none was recorded.
    browser
        Hash of the browser's id; None if the browser keeps none.
    is_this_machine
        Whether the browser runs on the machine of the server.
    """
    if is_sample or browser in editors:
        return "edit"
    if not editors:
        return "edit" if is_this_machine else "read"
    return "claim" if is_this_machine else "none"
