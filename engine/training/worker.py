"""What each rank of a training run does. Started by the ``deepspeed`` launcher:
``deepspeed … --module engine.training.worker RUN_DIR``.

Rank 0 writes ``metrics.jsonl`` while it trains and ``result.json`` at the very end.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import deepspeed
import torch
from torch import distributed
from transformers import PreTrainedModel

from engine.documents import InputError, read_toml
from engine.files import append_json_line, write_json
from engine.flops import training_flops_per_token
from engine.results import Failure, RunResult, StepMetrics
from engine.training import measuring, ranks
from engine.training.batches import TrainingBatches
from engine.training.card import TrainedSoFar
from engine.training.corpus import PreparedCorpus
from engine.training.evaluation import held_out_loss
from engine.training.export import export_run
from engine.training.learner import Learner
from engine.training.model import build_model
from engine.training.prepare import prepared_corpus
from engine.training.pretrained import model_folder
from engine.training.probe import DTYPES, measure_matmul_flops_per_s
from engine.training.pruning import PrunedWeights
from engine.training.recipe import Recipe
from engine.training.trackers import Trackers
from engine.training.weights import load_start, load_teacher


class LossNotFiniteError(RuntimeError):
    """The loss became NaN or infinite at ``step``; ``kept`` is the last model before, if any."""

    def __init__(self, step: int, kept: Path | None) -> None:
        super().__init__(f"the loss is not a number at step {step}")
        self.step, self.kept = step, kept

    def failure(self) -> Failure:
        if self.kept is None:
            return Failure(key="loss_not_finite", params={"step": self.step})
        kept_step = int(self.kept.name.removeprefix("step-"))
        where = {"step": self.step, "kept": kept_step, "folder": str(self.kept)}
        return Failure(key="loss_not_finite_kept", params=where)


class Worker:
    """One rank of one run, from its set-up to the exported model."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.recipe = recipe = read_toml(run_dir / "recipe.toml", Recipe)
        self.device = ranks.join_ranks()
        self.rank = distributed.get_rank()
        self.corpus: PreparedCorpus = prepared_corpus(run_dir)
        precision = recipe.layout.precision
        self.peak_flops_per_s = ranks.sum_of(
            measure_matmul_flops_per_s(self.device, precision), self.device
        )
        measuring.forget_peak_memory(self.device)
        self.idle_memory_bytes = measuring.memory_in_use_bytes(self.device)
        self.model = self._starting_model()
        teacher = None
        if recipe.distillation:
            folder = model_folder(recipe.distillation.teacher, "distillation.teacher")
            teacher = load_teacher(folder, self.device, DTYPES[precision])
        self.pruned = None
        if recipe.pruning:
            self.pruned = PrunedWeights(self.model.to(self.device), recipe.pruning.share)
        self.learner = Learner(recipe, self.model, self.device, teacher)
        self.step_times_s: list[float] = []
        self.loss = math.nan
        self.kept: Path | None = None

    def _starting_model(self) -> PreTrainedModel:
        recipe = self.recipe
        torch.manual_seed(recipe.seed)  # all ranks start from the same weights
        if recipe.init_from:
            return load_start(recipe.shape, model_folder(recipe.init_from, "init_from"))
        return build_model(recipe.shape)

    def run(self) -> None:
        started = time.monotonic()
        load = measuring.LoadByOthers()
        batches = TrainingBatches(self.corpus.train_tokens(), self.recipe)
        trackers = Trackers(self.recipe, self.run_dir) if self.rank == 0 else None
        for step in range(1, self.recipe.steps + 1):
            metrics = self._train_step(step, batches)
            if trackers:
                append_json_line(self.run_dir / "metrics.jsonl", metrics.model_dump())
                trackers.log(metrics)
        if trackers:
            trackers.close()
        own_cpu_s = ranks.sum_of(load.own_cpu_s(), self.device)
        other_load_share = load.share(own_cpu_s)
        held_out = self._evaluate(self.recipe.steps, None)
        wall_s = time.monotonic() - started
        memory_bytes = ranks.largest_of(measuring.peak_memory_bytes(self.device), self.device)
        idle_bytes = ranks.largest_of(self.idle_memory_bytes, self.device)
        self._export(TrainedSoFar(self.recipe.steps, held_out), self.run_dir / "model")
        if self.rank == 0:
            result = self._result(held_out, wall_s, memory_bytes, idle_bytes, other_load_share)
            write_json(self.run_dir / "result.json", result.model_dump(mode="json"))
        distributed.barrier()

    def _train_step(self, step: int, batches: TrainingBatches) -> StepMetrics:
        recipe = self.recipe
        engine = self.learner.engine
        learning_rate = float(engine.get_lr()[0])
        started = time.perf_counter()
        sums = self.learner.step(step - 1, batches, self.rank)
        if self.pruned:
            self.pruned.zero()
        # Adding up the losses also waits for every rank, so a step ends when its last rank does.
        text_sum, total_sum = ranks.sum_over_ranks(sums)
        self.loss = text_sum / recipe.n_ranks / recipe.layout.grad_accumulation_steps
        step_time_s = time.perf_counter() - started
        self.step_times_s.append(step_time_s)
        if not math.isfinite(text_sum + total_sum):
            raise LossNotFiniteError(step, self.kept)
        return StepMetrics(
            step=step,
            tokens=step * recipe.tokens_per_step,
            loss=self.loss,
            held_out_loss=self._look_up(step),
            step_time_s=step_time_s,
            learning_rate=learning_rate,
            gradient_norm=_finite(engine.get_global_grad_norm()),
            time=time.time(),
        )

    def _look_up(self, step: int) -> float | None:
        """Evaluate after this step if it is time to, and keep the model if it is time to."""
        recipe = self.recipe
        if step == recipe.steps:  # the whole held-out text comes next
            return None
        keep = recipe.checkpoint_every_steps and step % recipe.checkpoint_every_steps == 0
        if not (keep or step % recipe.eval_every_steps == 0):
            return None
        held_out = self._evaluate(step, recipe.eval_sequences)
        if keep:
            folder = self.run_dir / "checkpoints" / f"step-{step:08d}"
            self._export(TrainedSoFar(step, held_out), folder)
            self.kept = folder
        return held_out

    def _evaluate(self, step: int, max_sequences: int | None) -> float:
        held_out = held_out_loss(
            self.learner.engine,
            self.corpus.held_out_tokens(),
            seq_len_tokens=self.recipe.shape.seq_len_tokens,
            batch_sequences=self.recipe.layout.micro_batch_sequences,
            device=self.device,
            max_sequences=max_sequences,
            objective=self.learner.objective,
        )
        if not math.isfinite(held_out):  # the last update broke it, before any loss has told
            raise LossNotFiniteError(step, self.kept)
        return held_out

    def _export(self, so_far: TrainedSoFar, folder: Path) -> None:
        """ZeRO stage 3 keeps a shard of each weight on each rank: gather them on rank 0."""
        parameters = list(self.model.parameters())
        with deepspeed.zero.GatheredParameters(parameters, modifier_rank=None):
            if self.rank == 0:
                device = ranks.device_name(self.device)
                export_run(self.model, self.recipe, self.corpus, so_far, device, folder)

    def _result(
        self,
        held_out: float,
        wall_s: float,
        memory_bytes: float,
        idle_memory_bytes: float,
        other_load_share: float,
    ) -> RunResult:
        recipe = self.recipe
        step_time = measuring.StepTimes.of(self.step_times_s)
        tokens_per_s = recipe.tokens_per_step / step_time.mean
        achieved = tokens_per_s * training_flops_per_token(recipe.shape)
        return RunResult(
            steps=recipe.steps,
            tokens=recipe.tokens,
            n_parameters=sum(_full_size(p) for p in self.model.parameters()),
            train_loss=self.loss,
            held_out_loss=held_out,
            bits_per_byte=(
                None if recipe.has_mask_token else self.corpus.report.bits_per_byte(held_out)
            ),
            step_time_s=step_time.mean,
            step_time_s_p10=step_time.p10,
            step_time_s_p90=step_time.p90,
            steps_time_s=sum(self.step_times_s),
            wall_time_s=wall_s,
            tokens_per_s=tokens_per_s,
            achieved_flops_per_s=achieved,
            peak_flops_per_s=self.peak_flops_per_s,
            mfu=achieved / self.peak_flops_per_s,
            memory_bytes_per_device=memory_bytes,
            idle_memory_bytes_per_device=idle_memory_bytes,
            n_ranks=recipe.n_ranks,
            device=ranks.device_name(self.device),
            other_load_share=other_load_share,
            corpus=self.corpus.report,
            versions={"torch": torch.__version__, "deepspeed": deepspeed.__version__},
        )


def _full_size(parameter: torch.nn.Parameter) -> int:
    """Elements of a parameter, also where ZeRO stage 3 has sharded it away."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def _finite(value: object) -> float | None:
    """A norm as a number; None at ZeRO stage 0, and in a step that overflowed and was skipped."""
    return None if value is None or not math.isfinite(value) else float(value)  # type: ignore[arg-type]


def _report(run_dir: str, failure: Failure) -> None:
    write_json(Path(run_dir) / "failure.json", failure.model_dump(mode="json"))


def main(run_dir: str) -> None:
    # Teardown of the process group must come also after an error, or the other ranks wait.
    try:
        Worker(Path(run_dir)).run()
    except InputError as error:
        _report(run_dir, Failure.of_input(error))
        raise
    except LossNotFiniteError as error:
        _report(run_dir, error.failure())
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


if __name__ == "__main__":
    # The launcher puts --local_rank=… before our own argument.
    main(sys.argv[-1])
