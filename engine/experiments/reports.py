"""Tables of text about searches and compressions, for terminals and pages."""

from __future__ import annotations

from engine import quantities
from engine.calibration.calibration import RatioSpread
from engine.experiments.compression import Compression
from engine.experiments.study import Cost, StudyOutcome, TrialOutcome
from engine.reports.forecast_tables import Rows
from engine.text import Catalog

_TRIAL_HEAD = (
    *("trial", "state", "learning_rate", "batch", "size", "parameters"),
    *("steps", "loss", "flops", "device_hours", "cost"),
)


def trial_rows(say: Catalog, outcome: StudyOutcome) -> Rows:
    """Return the trials that are over, best first."""
    ranked = sorted(outcome.trials, key=_rank)
    head = [say(f"tuning.column_{name}") for name in _TRIAL_HEAD]
    return head, [_trial_cells(say, trial) for trial in ranked]


def _rank(trial: TrialOutcome) -> tuple[int, float]:
    order = ("complete", "pruned", "diverged")
    return order.index(trial.state), trial.held_out_loss or 0.0


def _trial_cells(say: Catalog, trial: TrialOutcome) -> list[str]:
    language, batch, size = say.language, trial.choice.batch, trial.choice.size
    loss = trial.held_out_loss
    return [
        str(trial.number),
        say(f"tuning.state_{trial.state}"),
        f"{trial.choice.learning_rate:g}",
        f"{batch.micro_batch_sequences} × {batch.grad_accumulation_steps}",
        f"L{size.n_layers} d{size.d_model}",
        quantities.count(trial.n_parameters, language),
        f"{trial.steps_done}/{trial.steps}",
        "—" if loss is None else f"{loss:.4f}",
        f"{trial.flops:.2e}",
        quantities.number(trial.device_hours, language),
        quantities.usd(trial.usd, language),
    ]


def search_cost_rows(say: Catalog, outcome: StudyOutcome) -> Rows:
    """Return the costs of a search: of all trials, of pruned trials, and without pruning."""
    rows = []
    costs: tuple[Cost, ...] = ("flops", "device_hours", "usd")
    for what in costs:
        spent, pruned = outcome.spent(what), outcome.spent_on_pruned(what)
        whole = outcome.without_pruning(what)
        rows.append(
            [
                say(f"tuning.account_{what}"),
                _cost(what, spent, say.language),
                _cost(what, pruned, say.language),
                quantities.share(pruned / spent, say.language) if spent else "—",
                _cost(what, whole, say.language),
                quantities.share(1 - spent / whole, say.language) if whole else "—",
            ]
        )
    names = ("quantity", "spent", "on_pruned", "pruned_share", "without", "saved")
    return [say(f"tuning.account_column_{name}") for name in names], rows


def _cost(what: Cost, value: float, language: str) -> str:
    if what == "flops":
        return f"{value:.2e}"
    if what == "usd":
        return quantities.usd(value, language)
    return quantities.number(value, language)


def search_sentence(say: Catalog, outcome: StudyOutcome) -> str:
    """Return a sentence on the best trial and the cost of the search."""
    best, language = outcome.best, say.language
    numbers = {
        "n": len(outcome.trials),
        "pruned": outcome.number_of("pruned"),
        "diverged": outcome.number_of("diverged"),
        "cost": quantities.usd(outcome.spent("usd"), language),
        "without": quantities.usd(outcome.without_pruning("usd"), language),
    }
    if best is None or best.held_out_loss is None:
        return say("tuning.answer_none", **numbers)
    return say(
        "tuning.answer",
        loss=f"{best.held_out_loss:.3f}",
        rate=f"{best.choice.learning_rate:g}",
        layers=best.choice.size.n_layers,
        width=best.choice.size.d_model,
        batch=best.choice.batch.micro_batch_sequences * best.choice.batch.grad_accumulation_steps,
        **numbers,
    )


def compression_rows(say: Catalog, table: Compression) -> Rows:
    """Return loss, size, speed and cost of each compressed model, after the model as trained."""
    language, base = say.language, table.as_trained
    many = max(speed.batch for speed in base.speeds)
    names = (
        *("way", "loss", "difference", "bits_per_byte", "size", "size_ratio"),
        *("speed_ratio", "speed_ratio_many", "usd", "usd_change"),
        *("weights", "nonzero", "speed", "training"),
    )
    head = [say(f"compression.column_{name}", batch=many) for name in names]
    base_usd = base.usd_per_million_tokens(table.usd_per_device_hour)
    rows = []
    for model in table.models:
        speeds = {speed.batch: speed for speed in model.speeds}
        usd = model.usd_per_million_tokens(table.usd_per_device_hour)
        is_base = model is base
        rows.append(
            [
                say(f"compression.way_{model.way}"),
                f"{model.held_out_loss:.4f}",
                "—" if is_base else f"{model.held_out_loss - base.held_out_loss:+.4f}",
                f"{model.bits_per_byte:.3f}",
                quantities.si(model.size_bytes, "B", language),
                quantities.share(model.size_bytes / base.size_bytes, language),
                "—" if is_base else _ratio(speeds[1].writing),
                "—" if is_base else _ratio(speeds[many].writing),
                quantities.usd(usd, language),
                "—" if is_base else f"{1 - usd / base_usd:+.0%}",
                quantities.count(model.n_weights, language),
                quantities.count(model.n_nonzero, language),
                quantities.number(speeds[1].written_tokens_per_s, language),
                quantities.usd(model.training_usd, language),
            ]
        )
    return head, rows


def _ratio(spread: RatioSpread) -> str:
    return f"{spread.value:.2f}× ({spread.low:.2f} – {spread.high:.2f})"


def compression_line(say: Catalog, table: Compression) -> str:
    """Return a sentence on how the speeds were measured."""
    return say(
        "cli.compressed",
        device=table.device,
        load=f"{table.other_load_share:.0%}",
        rounds=table.rounds,
        prompt=table.prompt_tokens,
        new=table.new_tokens,
        price=f"{table.usd_per_device_hour:g}",
    )
