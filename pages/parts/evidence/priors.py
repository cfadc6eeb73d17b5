"""Sources of the priors of the efficiency parameters, in the reader's language."""

from __future__ import annotations

import re
from functools import cache

from engine.predictor.efficiency import EfficiencyParameter, efficiency_parameters
from pages.parts.session import text


def prior_text(parameter: EfficiencyParameter) -> str:
    """Return the source of a prior; an assumption is named as such in the reader's language."""
    say = text()
    source = say(prior_keys()[parameter.prior_source])
    return say("evidence.assumption", text=source) if parameter.is_assumption else source


@cache
def prior_keys() -> dict[str, str]:
    """Return the catalog key of each source: the first parameter and scope that have it."""
    keys: dict[str, str] = {}
    for parameter in efficiency_parameters():
        scope = re.sub(r"[^A-Za-z0-9]+", "_", parameter.scope)
        keys.setdefault(parameter.prior_source, f"prior.{parameter.parameter}.{scope}")
    return keys
