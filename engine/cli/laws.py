"""The commands ``scaling isoflop``, ``optimum``, ``kaplan``, ``overtrained`` and others.

Each command answers one question from one paper's law; ``docs/scaling.md`` lists them. Modules of
laws are imported inside the commands, since SciPy takes longer to load than most commands to run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import new_app, text
from engine.documents import InputError
from engine.facts import law_coefficients, loss_coefficients
from engine.reports.forecast_tables import print_table
from engine.scaling.runs import TrainingRuns, read_runs

DEFAULT_LAW = "hoffmann_2022_unrounded"
"""Law of a plan that states none."""

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
Flops = Annotated[str, typer.Argument(metavar="FLOPS", help=text("cli_scaling.flops"))]
LawName = Annotated[str, typer.Option(help=text("cli_scaling.law"))]


def add_to(app: typer.Typer) -> None:
    """Add the group ``scaling`` to a command line."""
    group = new_app(text("cli_scaling.group"))
    group.command("isoflop", help=text("cli_scaling.isoflop"))(isoflop)
    group.command("optimum", help=text("cli_scaling.optimum"))(optimum)
    group.command("kaplan", help=text("cli_scaling.kaplan"))(kaplan)
    group.command("overtrained", help=text("cli_scaling.overtrained"))(overtrained)
    group.command("lifetime", help=text("cli_scaling.lifetime"))(lifetime)
    group.command("mixtures", help=text("cli_scaling.mixtures"))(mixtures)
    group.command("downstream", help=text("cli_scaling.downstream"))(downstream)
    app.add_typer(group, name="scaling")


def isoflop(
    runs: Annotated[str, typer.Argument(metavar="RUNS.csv", help=text("cli_scaling.runs"))],
    same_budget: Annotated[
        float, typer.Option(help=text("cli_scaling.same_budget"), min=0.0, max=1.0)
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Fit the best size at each compute budget of a table of runs (Hoffmann 2022, approach 2)."""
    from engine.scaling.approaches import PUBLISHED_EXPONENTS
    from engine.scaling.fit import COEFFICIENTS, fit
    from engine.scaling.isoflop import fit_isoflops

    measured = _read_runs(runs)
    law = fit(measured).law if measured.n_points >= len(COEFFICIENTS) else None
    found = fit_isoflops(
        measured.parameters,
        measured.tokens,
        measured.loss,
        measured.flops,
        law=law,
        same_budget_log10=same_budget,
    )
    published = PUBLISHED_EXPONENTS[2]
    if as_json:
        answer = asdict(found) | {
            "parameters_counted": measured.parameters_counted,
            "published_exponents": asdict(published),
        }
        print(json.dumps(answer, indent=1))
        return
    names = ("flops", "n_runs", "parameters", "error", "tokens", "loss", "inside", "bias")
    _print(
        names,
        [
            [
                _number(budget.training_flops),
                str(budget.runs),
                _count(budget.minimum.parameters),
                _share(budget.minimum.parameters_relative_error),
                _count(budget.tokens),
                _number(budget.minimum.loss),
                text(f"cli_scaling.{'yes' if budget.inside_grid else 'no'}"),
                _share(budget.bias_share),
            ]
            for budget in found.budgets
        ],
    )
    for name, fitted, other in (
        ("N", found.parameters_law, published.parameters),
        ("D", found.tokens_law, published.tokens),
    ):
        if fitted is not None:
            print(
                text(
                    "cli_scaling.exponent",
                    name=name,
                    value=f"{fitted.exponent:.3f}",
                    error=f"{fitted.exponent_standard_error:.3f}",
                    published=f"{other.value:.2f} ({other.low:.3f} – {other.high:.3f})",
                )
            )


def optimum(flops: Flops, as_json: Json = False) -> None:
    """Print the compute-optimal model of a budget by each law."""
    from engine.scaling import approaches
    from engine.scaling import kaplan as kaplan_law
    from engine.scaling.laws import compute_optimal

    budget = _positive_count("flops", flops)
    rows: list[dict[str, Any]] = []
    for name, law in loss_coefficients().items():
        best = compute_optimal(law, budget)
        rows.append({"law": name} | asdict(best))
    for approach in (1, 2, 3):
        table = approaches.published_optima(approach)
        if table[0].training_flops <= budget <= table[-1].training_flops:
            read = approaches.compute_optimal_table(approach, budget)
            rows.append(_row(f"hoffmann_2022_approach_{approach}", read))
    least = budget / kaplan_law.FLOPS_PER_MINIMAL_FLOPS
    rows.append(
        _row("kaplan_2020", kaplan_law.compute_optimal(budget))
        | {"loss": float(kaplan_law.loss_of_compute(least))}
    )
    for row in rows:
        row["tokens_per_parameter"] = row["tokens"] / row["parameters"]
    if as_json:
        print(json.dumps({"training_flops": budget, "optima": rows}, indent=1))
        return
    _print(
        ("law_name", "parameters", "tokens", "ratio", "loss"),
        [
            [
                row["law"],
                _count(row["parameters"]),
                _count(row["tokens"]),
                _number(row["tokens_per_parameter"]),
                _number(row["loss"]),
            ]
            for row in rows
        ],
    )


def _row(name: str, best: Any) -> dict[str, Any]:
    return {"law": name, "parameters": best.parameters, "tokens": best.tokens, "loss": None}


def kaplan(
    parameters: Annotated[str | None, typer.Option(help=text("cli_scaling.inside"))] = None,
    tokens: Annotated[str | None, typer.Option(help=text("cli_scaling.data_tokens"))] = None,
    flops: Annotated[str | None, typer.Option(help=text("cli_scaling.least_flops"))] = None,
    as_json: Json = False,
) -> None:
    """Print losses and optima by the laws of Kaplan 2020."""
    from engine.scaling import kaplan as law

    given = {"parameters": parameters, "tokens": tokens, "flops": flops}
    n, d, c = (
        None if value is None else _positive_count(field, value) for field, value in given.items()
    )
    if n is None and d is None and c is None:
        raise InputError("parameters, tokens, flops", "—", "missing")
    answer: dict[str, float] = {}
    if n is not None:
        answer["loss_of_parameters"] = float(law.loss_of_parameters(n))
    if d is not None:
        answer["loss_of_tokens"] = float(law.loss_of_tokens(d))
    if n is not None and d is not None:
        answer["loss_of_both"] = float(law.loss(n, d))
    if c is not None:
        answer["loss_of_compute"] = float(law.loss_of_compute(c))
        answer["optimal_parameters"] = law.optimal_parameters(c)
        answer["optimal_tokens"] = law.optimal_tokens(c)
    _answer(answer, as_json)


def overtrained(
    flops: Flops,
    ratio: Annotated[float, typer.Option(help=text("cli_scaling.ratio_help"))],
    law: LawName = DEFAULT_LAW,
    runs: Annotated[str | None, typer.Option(help=text("cli_scaling.tied_runs"))] = None,
    as_json: Json = False,
) -> None:
    """Print the cost of training a model at a chosen ratio of tokens to parameters."""
    from engine.scaling import overtrained as gadre
    from engine.scaling.fit import fit
    from engine.scaling.laws import Law, compute_optimal

    budget = _positive_count("flops", flops)
    _require_positive("ratio", ratio)
    used: Law = law_coefficients(law)
    letters: dict[str, float] = {}
    if runs is not None:
        used = fit(_read_runs(runs), tied=True).law
        letters = {f"tied_{name}": value for name, value in asdict(gadre.tied(used)).items()}
    best = compute_optimal(used, budget)
    chosen = gadre.overtrained(used, budget, ratio)
    _answer(
        {
            "parameters": chosen.parameters,
            "tokens": chosen.tokens,
            "loss": chosen.loss,
            "optimal_ratio": best.tokens_per_parameter,
            "optimal_loss": best.loss,
            "penalty": gadre.penalty(used, budget, ratio),
            "extra_compute": gadre.extra_compute(used, best.loss, ratio),
            **letters,
        },
        as_json,
    )


def lifetime(
    flops: Flops,
    served: Annotated[str, typer.Option(help=text("cli_scaling.served"))],
    law: LawName = DEFAULT_LAW,
    as_json: Json = False,
) -> None:
    """Print the model with the fewest FLOPs for training and serving at the same loss."""
    from engine.scaling.laws import compute_optimal
    from engine.scaling.lifetime import SERVING_FLOPS_PER_PARAMETER_AND_TOKEN, cheapest_flops

    used = law_coefficients(law)
    best = compute_optimal(used, _positive_count("flops", flops))
    served_tokens = _positive_count("served", served)
    found = cheapest_flops(used, best.loss, served_tokens)
    serving_flops = SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * best.parameters * served_tokens
    rows = {
        "least_training": {
            "parameters": best.parameters,
            "tokens": best.tokens,
            "training_flops": best.flops,
            "serving_flops": serving_flops,
            "total_flops": best.flops + serving_flops,
        },
        "least_total": {
            "parameters": found.parameters,
            "tokens": found.tokens,
            "training_flops": found.training_flops,
            "serving_flops": found.serving_flops,
            "total_flops": found.total_flops,
        },
    }
    if as_json:
        print(json.dumps({"law": law, "loss": best.loss, **rows}, indent=1))
        return
    names = ("model", "parameters", "tokens", "training_flops", "serving_flops", "total_flops")
    _print(
        names,
        [
            [
                text(f"cli_scaling.{name}"),
                _count(row["parameters"]),
                _count(row["tokens"]),
                *(_number(row[column]) for column in names[3:]),
            ]
            for name, row in rows.items()
        ],
    )


def mixtures(
    active: Annotated[str, typer.Option(help=text("cli_scaling.active"))],
    total: Annotated[str, typer.Option(help=text("cli_scaling.total"))],
    tokens: Annotated[str, typer.Option(help=text("cli_scaling.training_tokens"))],
    law: LawName = "ludziejewski_2025",
    as_json: Json = False,
) -> None:
    """Print the loss of a mixture of experts and the dense model of the same loss."""
    from engine.scaling import mixtures as moe

    used = moe.mixture_law(law, "law")
    n_active = _positive_count("active", active)
    n_total = _positive_count("total", total)
    if n_total < n_active:
        raise InputError("total", total, "greater_than_equal", limit=active)
    model = (n_active, n_total, _positive_count("tokens", tokens))
    dense = moe.dense_equivalent(used, *model)
    _answer(
        {
            "loss": moe.loss(used, *model),
            "experts": moe.expert_count(n_active, n_total),
            "dense_equivalent": dense if math.isfinite(dense) else None,
            "extrapolates": moe.extrapolates(used, *model),
        },
        as_json,
    )


def downstream(
    points: Annotated[Path, typer.Argument(metavar="POINTS.csv", help=text("cli_scaling.points"))],
    at: Annotated[list[float] | None, typer.Option(help=text("cli_scaling.at"))] = None,
    as_json: Json = False,
) -> None:
    """Fit the accuracy on a task to the loss on it, and predict the accuracy at other losses."""
    from engine.evidence.predictions import read_rows
    from engine.scaling.downstream import fit_task, predict_accuracy

    wanted = at or []
    for value in wanted:
        if not math.isfinite(value):
            raise InputError("at", value, "finite")
    rows = read_rows(points, "loss")
    if "accuracy" not in rows[0]:
        raise InputError(points.name, ",".join(rows[0]), "missing_columns", columns="accuracy")
    losses, accuracies = (
        [
            _cell(row[column], f"{points.name}:{number}.{column}")
            for number, row in enumerate(rows, 2)
        ]
        for column in ("loss", "accuracy")
    )
    law = fit_task(losses, accuracies)
    predicted = [asdict(predict_accuracy(law, value)) | {"loss": value} for value in wanted]
    coefficients = {name: getattr(law, name) for name in ("a", "k", "L0", "b")}
    if as_json:
        answer = {
            "coefficients": coefficients,
            "residual": law.residual,
            "points": law.points,
            "predictions": predicted,
        }
        print(json.dumps(answer, indent=1))
        return
    _print(("name", "value"), [[name, _number(value)] for name, value in coefficients.items()])
    if predicted:
        _print(
            ("loss", "accuracy", "low_80", "high_80"),
            [
                [_number(row["loss"]), *(_share(row[name]) for name in ("value", "low", "high"))]
                for row in predicted
            ],
        )


def _read_runs(source: str) -> TrainingRuns:
    """Read a CSV file of runs, or a published set by its name in ``data/scaling_sets.csv``."""
    from engine.scaling.published import published_set, runs_of

    path = Path(source)
    if path.suffix.casefold() == ".csv" or path.exists():
        return read_runs(path, path.name)
    return runs_of(published_set(source, "runs"))


def _positive_count(field: str, typed: str) -> float:
    count = quantities.parse_count(typed)
    if count is None:
        raise InputError(field, typed, "count")
    _require_positive(field, count)
    return float(count)


def _require_positive(field: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(field, value, "finite")
    if value <= 0:
        raise InputError(field, value, "greater_than", limit=0)


def _cell(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(where, cell, "number") from None


def _answer(values: dict[str, Any], as_json: bool) -> None:
    """Print named values, as JSON or as a table of two columns."""
    if as_json:
        print(json.dumps(values, indent=1))
        return
    rows = []
    for name, value in values.items():
        label = name.removeprefix("tied_") if name.startswith("tied_") else _label(name)
        rows.append([label, _shown(name, value)])
    _print(("name", "value"), rows)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return text(f"cli_scaling.{'yes' if value else 'no'}")
    counts = ("parameters", "tokens", "optimal_parameters", "optimal_tokens", "dense_equivalent")
    return _count(value) if name in counts else _number(value)


def _print(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print_table([_label(name) for name in names], rows)


def _label(name: str) -> str:
    return text(f"cli_scaling.column.{name}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _count(value: float) -> str:
    return quantities.count(value, text.language)
