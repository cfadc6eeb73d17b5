"""A machine's profile as rows of tables and a sentence, for terminals and pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine import quantities
from engine.calibration.machine_profile import MachineProfile, ShortRun
from engine.text import Catalog

Table = tuple[list[str], list[list[str]]]


def rate_rows(say: Catalog, profile: MachineProfile) -> Table:
    """Return the rates of single operations on one device while all devices are busy."""
    return (
        [say("profile.operation"), say("profile.size"), say("profile.rate")],
        list(_rates(say, profile)),
    )


def _rates(say: Catalog, profile: MachineProfile) -> Iterator[list[str]]:
    language, rates = say.language, profile.rates
    for linear in rates.linear:
        size = f"{linear.tokens} × {linear.n_in} × {linear.n_out}"
        yield [
            say("profile.linear", precision=linear.precision),
            size,
            quantities.si(linear.flops_per_s, "FLOP/s", language),
        ]
    for kernel in rates.attention:
        size = f"{kernel.sequences} × {kernel.heads} × {kernel.tokens} × {kernel.head_dim}"
        yield [
            say("profile.attention"),
            size,
            quantities.si(kernel.flops_per_s, "FLOP/s", language),
        ]
    for copy in rates.copies:
        yield [
            say("profile.copy"),
            quantities.si(copy.bytes, "B", language),
            quantities.si(copy.bytes_per_s, "B/s", language),
        ]
    yield [
        say("profile.optimizer"),
        "",
        say(
            "profile.parameters_per_s",
            n=quantities.count(rates.optimizer_parameters_per_s, language),
        ),
    ]
    for collective in rates.collectives:
        yield [
            say(f"profile.{collective.kind}"),
            quantities.si(collective.bytes, "B", language),
            quantities.si(collective.bytes / collective.seconds, "B/s", language),
        ]


def short_run_rows(say: Catalog, runs: Sequence[ShortRun]) -> Table:
    """Return the short runs with the profile's predictions for them."""
    language = say.language
    names = ("run", "parameters", "zero", "predicted", "measured", "error")
    head = [say(f"profile.{name}") for name in names]
    head += [say(f"profile.{name}") for name in ("memory", "memory_error", "pace", "load")]
    return head, [
        [
            run.name,
            quantities.count(run.parameters, language),
            str(run.zero_stage),
            quantities.duration(run.predicted_step_s, language),
            quantities.duration(run.measured_step_s, language),
            f"{run.step_error:+.1%}",
            quantities.si(run.measured_memory_bytes, "B", language),
            f"{run.memory_error:+.1%}",
            f"{run.pace:.2f}",
            f"{run.other_load_share:.0%}",
        ]
        for run in runs
    ]


def verdict(say: Catalog, profile: MachineProfile) -> str:
    """Return a sentence on the accuracy of forecasts with this profile."""
    spread = f"±{profile.step_spread:.0%}"
    if profile.is_noisy:
        return say(
            "profile.noisy",
            device=profile.device,
            spread=spread,
            pace=f"{profile.pace_spread:.2f}",
            load=f"{profile.other_load_share:.0%}",
        )
    return say("profile.calm", device=profile.device, spread=spread, n=len(profile.runs))
