"""The runs and the table of a compression, and one small real compression."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.calibration.calibration import RatioSpread
from engine.documents import InputError
from engine.experiments import compress_run as module
from engine.experiments.compress_run import compress
from engine.experiments.compression import (
    WAYS,
    CompressedModel,
    Compression,
    CompressionProgress,
    Speed,
    compression_of,
    progress_of,
    recipes,
)
from engine.experiments.reports import compression_rows
from engine.files import write_json
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.locks import hold_lock, is_locked
from engine.serving_forecast import planned_serving
from engine.text import catalog
from engine.training.corpus.build import prepare_corpus
from engine.training.evaluation.generation import load_model
from engine.training.evaluation.sparse import SPARSE_FILE, unpack
from engine.training.export import export_model
from engine.training.model import build_model
from finance.company.scenario import Scenario
from tests.engine.runs.faked import faked_run

ONE = RatioSpread(value=1.0, low=1.0, high=1.0)


def model(way: Any, loss: float, tokens_per_s: float, size_bytes: int = 400) -> CompressedModel:
    ratio = RatioSpread(value=tokens_per_s / 100, low=tokens_per_s / 110, high=tokens_per_s / 90)
    speeds = tuple(
        Speed(
            batch=batch,
            read_tokens_per_s=1000.0,
            written_tokens_per_s=batch * tokens_per_s,
            reading=ONE,
            writing=ratio,
        )
        for batch in (1, 16)
    )
    return CompressedModel(
        way=way,
        run_id=None if way == "int8" else f"run-{way}",
        n_weights=1_048_576,
        n_nonzero=1_000_000,
        size_bytes=size_bytes,
        held_out_loss=loss,
        bits_per_byte=loss / 2,
        speeds=speeds,
        training_usd=0.0,
    )


@pytest.fixture
def table() -> Compression:
    return Compression(
        run_id="run-as_trained",
        measured_on=datetime.date(2026, 11, 25),
        accelerator="CPU-core",
        device="a machine",
        usd_per_device_hour=0.05,
        other_load_share=0.0,
        prompt_tokens=32,
        new_tokens=64,
        rounds=10,
        torch="2",
        models=(model("as_trained", 4.0, 100.0), model("int8", 4.01, 125.0, 200)),
    )


def test_every_way_but_int8_is_a_run_of_its_own() -> None:
    run = faked_run([5.0] * 200, peak_learning_rate=1e-3, seed=7)
    base, found = run.recipe, recipes(run)
    assert set(found) == set(WAYS) - {"int8"}
    assert len({recipe.content_hash for recipe in found.values()} | {base.content_hash}) == 6
    for way in ("small", "distilled"):
        assert found[way].shape.n_layers == base.shape.n_layers // 2
        assert (found[way].steps, found[way].seed, found[way].init_from) == (200, 7, None)
    assert found["small"].distillation is None
    assert found["distilled"].distillation is not None
    assert found["distilled"].distillation.teacher == run.id
    for way in ("fine_tuned", "pruned_50", "pruned_80"):
        assert found[way].shape == base.shape
        assert (found[way].steps, found[way].seed, found[way].init_from) == (20, 8, run.id)
        assert found[way].peak_learning_rate == pytest.approx(3e-4)
    pruning = [found[way].pruning for way in ("fine_tuned", "pruned_50", "pruned_80")]
    assert [rule and rule.share for rule in pruning] == [None, 0.5, 0.8]


def test_a_pruned_run_may_start_from_a_run_at_zero_3() -> None:
    run = faked_run([5.0] * 10, **{"layout.zero_stage": 3})
    found = recipes(run)
    assert found["pruned_50"].layout.zero_stage == 2
    assert found["small"].layout.zero_stage == 3


def test_a_run_without_a_model_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        compress(faked_run([5.0], phase=Phase.FAILED))
    assert (refused.value.field, refused.value.rule) == ("run", "finished_run")


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"shape.n_layers": 1}, "run.shape.n_layers", "greater_than_equal"),
        ({"shape.family": "bert", "shape.n_kv_heads": 2}, "run", "predicts_next_token"),
    ],
)
def test_what_cannot_be_compressed_is_refused_before_anything_starts(
    changes: dict[str, object], field: str, rule: str
) -> None:
    with pytest.raises(InputError) as refused:
        compress(faked_run([5.0], **changes))
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert len(all_runs()) == 1


def test_a_part_that_fails_ends_it_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    run = faked_run([5.0] * 20)
    broken = faked_run([5.0], phase=Phase.FAILED, name="broken")
    monkeypatch.setattr(module, "run_of", lambda recipe: broken)
    reported: list[CompressionProgress] = []
    with pytest.raises(InputError, match=broken.id):
        compress(run, reported.append)
    assert [progress.stage for progress in reported] == ["fine_tuned", "fine_tuned"]
    assert reported[-1].run_id == broken.id
    assert compression_of(run) is None
    assert progress_of(run) is None  # no process holds the lock any more


def test_one_compression_of_a_run_at_a_time() -> None:
    run = faked_run([5.0] * 20)
    lock = run.folder / "compression.lock"
    with hold_lock(lock) as is_free:
        assert is_free
        assert is_locked(lock)
        with pytest.raises(InputError) as refused:
            compress(run)
    assert refused.value.rule == "compressed_already"
    assert not is_locked(lock)


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from engine.runs.locks import hold_lock\n"
        "with hold_lock(pathlib.Path(sys.argv[1])) as got: print(got, flush=True); time.sleep(60)"
    )
    lock = tmp_path / "lock"
    words = [sys.executable, "-c", code, str(lock)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    assert is_locked(lock)
    process.kill()
    process.wait()
    assert not is_locked(lock)


def test_prices_by_hand(table: Compression) -> None:
    """100 tokens a second of a core at $0.05 an hour: 10,000 seconds for a million."""
    base, int8 = table.models
    assert base.usd_per_million_tokens(0.05) == pytest.approx(0.05 * 10_000 / 3600)
    assert int8.usd_per_million_tokens(0.05) == pytest.approx(0.05 * 8_000 / 3600)
    assert base.usd_per_million_tokens(0.05, 16) == pytest.approx(0.05 * 625 / 3600)


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_table_holds_ratios_to_the_model_as_trained(table: Compression, language: str) -> None:
    head, (base, int8) = compression_rows(catalog(language), table)
    assert len(head) == len(base) == len(int8)
    assert int8[2] == "+0.0100"
    assert "50" in int8[5]
    assert int8[6].startswith("1.25×")
    assert base[6] == "—"
    assert int8[9] == "+20%"


def test_a_measured_model_moves_the_price_of_the_plan_it_was_measured_for(
    table: Compression, laptop: Scenario
) -> None:
    plan = laptop.plan
    measured = table.serving("int8", plan)
    assert (measured.way, measured.run_ids) == ("int8", ("run-as_trained",))
    assert measured.concurrent_sequences == 1  # of 1 and 16, as near to 4 as the other
    assert measured.loss_difference == pytest.approx(0.01)
    served = plan.with_value("serving.measured", measured.model_dump(mode="json"))
    before, after = planned_serving(plan), planned_serving(served)
    ratio = before.prices.usd_per_million_output_tokens / after.prices.usd_per_million_output_tokens
    assert ratio == pytest.approx(1.25)
    assert after.prices.usd_per_million_input_tokens == pytest.approx(
        before.prices.usd_per_million_input_tokens
    )
    assert after.point.decode_step_s == pytest.approx(before.point.decode_step_s / 1.25)


def test_it_says_nothing_about_another_device_size_or_load(
    table: Compression, laptop: Scenario, startup: Scenario
) -> None:
    measured = table.serving("int8", laptop.plan).model_dump(mode="json")
    prices = planned_serving(startup.plan).prices
    assert planned_serving(startup.plan.with_value("serving.measured", measured)).prices == prices
    busier = laptop.plan.with_value("serving.concurrent_sequences", 30)
    there = planned_serving(busier.with_value("serving.measured", measured)).prices
    assert there == planned_serving(busier).prices
    assert table.serving("int8", busier).concurrent_sequences == 16


def test_it_is_not_put_on_top_of_weights_that_it_was_not_measured_against(
    table: Compression, laptop: Scenario
) -> None:
    measured = table.serving("int8", laptop.plan).model_dump(mode="json")
    with pytest.raises(InputError) as refused:
        laptop.plan.with_values({"serving.measured": measured, "serving.weights": "int4"})
    assert (refused.value.field, refused.value.rule) == ("serving.weights", "equal")


def trained_by_hand() -> Run:
    """A run whose model is really there, with random weights."""
    run = faked_run([6.0] * 20, n_ranks=1, name="by hand")
    corpus = prepare_corpus(run.recipe)
    torch.manual_seed(1)
    export_model(build_model(run.recipe.shape), corpus.tokenizer_file, run.model_dir)
    write_json(run.folder / "corpus.json", {"folder": str(corpus.folder)})
    return run


@pytest.mark.runs
def test_a_small_compression_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 2)
    run = trained_by_hand()
    reported: list[CompressionProgress] = []
    found = compress(run, reported.append, ways=("pruned_80", "int8"))
    assert [progress.stage for progress in reported] == [
        "pruned_80",
        "pruned_80",
        "int8",
        "measuring",
    ]
    assert compression_of(run) == found

    (pruned_run,) = (other for other in all_runs() if other.id != run.id)
    base, pruned, int8 = found.models
    result = pruned_run.result
    assert result is not None
    # The run evaluated in another process, on as many windows at a time as it trained on.
    assert pruned.held_out_loss == pytest.approx(result.held_out_loss, rel=1e-5)
    assert pruned.run_id == pruned_run.id
    count = run.recipe.shape.count_parameters()
    assert base.n_weights == pruned.n_weights == int8.n_weights == count.total
    inside = count.attention + count.ffn
    assert pruned.n_nonzero == pytest.approx(count.total - 0.8 * inside, rel=1e-3)

    files = pruned_run.folder / "compressed" / "sparse" / SPARSE_FILE
    assert pruned.size_bytes == files.stat().st_size
    assert pruned.size_bytes == pytest.approx(
        4 * (count.total - 0.8 * inside) + inside / 8, rel=0.05
    )
    dense = load_model(pruned_run.model_dir)[0].state_dict()
    for name, tensor in unpack(load_file(files)).items():
        assert torch.equal(tensor, dense[name])

    assert int8.held_out_loss == pytest.approx(base.held_out_loss, abs=0.05)
    assert int8.held_out_loss != base.held_out_loss
    assert int8.size_bytes == pytest.approx(4 * (count.total - inside) + inside, rel=0.1)
    assert base.speeds[0].writing == base.speeds[0].reading == ONE
    assert [speed.batch for speed in int8.speeds] == [1, 16]

    monkeypatch.setattr(module, "_measure", lambda *_: found_before(found))
    assert compress(run, ways=("pruned_80", "int8")).models == found.models
    assert len(all_runs()) == 2  # what exists is not made again


def found_before(table: Compression) -> dict[str, Any]:
    kept = ("held_out_loss", "n_weights", "n_nonzero", "speeds")
    models = {model.way: model.model_dump(include=set(kept)) for model in table.models}
    rest = ("other_load_share", "prompt_tokens", "new_tokens", "rounds", "torch")
    return {"models": models} | {name: getattr(table, name) for name in rest}


def test_sides_of_the_measurement_are_of_one_round() -> None:
    """A machine that slows down all along changes rates, not ratios."""
    from engine.training.evaluation import decode_bench

    clock = iter(range(1, 10_000))
    speed = {"first": 2.0, "second": 1.0}

    def answer(model: str, ids: torch.Tensor, new_tokens: int) -> decode_bench.AnswerTime:
        slowness = next(clock)
        return decode_bench.AnswerTime(slowness / speed[model], slowness / speed[model])

    request: Any = SimpleNamespace(prompt_tokens=4, new_tokens=5, rounds=20)
    tokens = torch.arange(64).numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode_bench, "answer_time", answer)
        models = {name: name for name in speed}
        found: Any = decode_bench._compare_speeds(models, tokens, request, 2)
    assert found["second"]["writing"]["value"] == pytest.approx(0.5, rel=0.03)
    assert found["first"]["writing"] == {"value": 1.0, "low": 1.0, "high": 1.0}
