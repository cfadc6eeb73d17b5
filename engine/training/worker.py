"""The program of each rank of a training run.

The ``deepspeed`` launcher starts it: ``deepspeed … --module engine.training.worker RUN_DIR``.
Rank 0 writes ``metrics.jsonl`` while it trains and ``result.json`` as its last act.
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
from transformers.utils import logging

from engine.documents import InputError
from engine.files import write_json
from engine.flops import training_flops_per_token
from engine.recipes import checkpoints
from engine.recipes.pretrained import model_folder
from engine.recipes.recipe import Recipe
from engine.results import Failure, RunResult, StepMetrics
from engine.training import disk_space, ranks
from engine.training.batches import TrainingBatches
from engine.training.bench import measuring
from engine.training.bench.matmul import DTYPES, measure_matmul_flops_per_s
from engine.training.corpus.build import PreparedCorpus
from engine.training.corpus.prepare import prepared_corpus, unedited_recipe
from engine.training.evaluation.held_out_loss import held_out_loss
from engine.training.journal import Journal
from engine.training.model import build_model
from engine.training.model_card import TrainingProgress
from engine.training.pruning import PrunedWeights
from engine.training.resuming import newest_usable_checkpoint
from engine.training.saving import LossNotFiniteError, Saver, n_parameters
from engine.training.trainer import Trainer
from engine.training.training_state import TrainingState
from engine.training.weights import load_initial_weights, load_teacher

_CONTINUE, _SAVE, _STOP = 0.0, 1.0, 2.0
"""Control flags: rank 0 sends one to all ranks in the all-reduce that ends each step."""


class Worker:
    """One rank of one run, from set-up to the exported model."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.recipe: Recipe = unedited_recipe(run_dir)
        recipe = self.recipe
        self.device = ranks.join_ranks()
        self.rank = distributed.get_rank()
        if self.rank == 0:
            disk_space.reserve_space(run_dir)
            checkpoints.remove_partial(run_dir)
        self.resumed_from = newest_usable_checkpoint(run_dir, recipe)
        self.corpus: PreparedCorpus = prepared_corpus(run_dir)
        precision = recipe.layout.precision
        self.peak_flops_per_s = ranks.all_reduce_sum(
            measure_matmul_flops_per_s(self.device, precision), self.device
        )
        measuring.reset_peak_memory(self.device)
        self.idle_memory_bytes = measuring.memory_in_use_bytes(self.device)
        self.model = self._initial_model()
        teacher = None
        if recipe.distillation:
            folder = model_folder(recipe.distillation.teacher, "distillation.teacher")
            teacher = load_teacher(folder, self.device, DTYPES[precision])
        self.pruned = None
        if recipe.pruning:
            self.pruned = PrunedWeights(self.model.to(self.device), recipe.pruning.share)
        self.trainer = Trainer(recipe, self.model, self.device, teacher)
        self.training = TrainingState(self.trainer.engine, self.pruned)
        last_checkpoint = None
        if self.resumed_from:
            last_checkpoint = self.resumed_from.folder
            self.training.restore(last_checkpoint)
        self.saver = Saver(run_dir, recipe, self.corpus, self.model, self.device, last_checkpoint)

    def _initial_model(self) -> PreTrainedModel:
        recipe = self.recipe
        torch.manual_seed(recipe.seed)  # all ranks start from the same weights
        if self.resumed_from:
            return load_initial_weights(recipe.shape, self.resumed_from.folder)
        if recipe.init_from:
            return load_initial_weights(recipe.shape, model_folder(recipe.init_from, "init_from"))
        return build_model(recipe.shape)

    def run(self) -> None:
        """Train until the last step, or until rank 0 finds a request to stop."""
        manifest = self.resumed_from.manifest if self.resumed_from else None
        journal = Journal(self.recipe, self.run_dir, manifest) if self.rank == 0 else None
        load = measuring.OtherProcessLoad()
        batches = TrainingBatches(self.corpus.train_tokens(), self.recipe)
        step = manifest.step if manifest else 0
        control = _CONTINUE
        while step < self.recipe.steps and control != _STOP:
            step += 1
            control = self._step(step, batches, journal)
        if journal:
            journal.close()
        if control != _STOP:
            self._finish(journal, load)
        elif journal:
            write_json(self.run_dir / "stopped.json", {"step": step})
        distributed.barrier()

    def _step(self, step: int, batches: TrainingBatches, journal: Journal | None) -> float:
        """Train and record one step, commit a checkpoint if one is due; return the control flag."""
        metrics, control = self._train_step(step, batches)
        if journal:
            journal.append(metrics)
        goes_on = step < self.recipe.steps and control != _STOP
        if control == _STOP or (goes_on and (control == _SAVE or self.recipe.keeps_model_of(step))):
            self.saver.save(TrainingProgress(step, metrics.held_out_loss), self.training, journal)
        return control

    def _train_step(self, step: int, batches: TrainingBatches) -> tuple[StepMetrics, float]:
        """Return the metrics of step ``step`` (from 1) and the control flag."""
        recipe = self.recipe
        engine = self.trainer.engine
        learning_rate = float(engine.get_lr()[0])
        started = time.perf_counter()
        sums = self.trainer.step(step - 1, batches, self.rank)
        if self.pruned:
            self.pruned.apply()
        # The all-reduce also waits for every rank, so a step ends when its slowest rank ends it.
        values = torch.cat([sums, sums.new_tensor([self._control_flag()])])
        text_sum, total_sum, control = ranks.all_reduce_sums(values)
        step_time_s = time.perf_counter() - started
        if not math.isfinite(text_sum + total_sum):
            raise LossNotFiniteError(step, self.saver.last_checkpoint)
        metrics = StepMetrics(
            step=step,
            tokens=step * recipe.tokens_per_step,
            loss=text_sum / recipe.n_ranks / recipe.layout.grad_accumulation_steps,
            held_out_loss=self._scheduled_held_out_loss(step),
            step_time_s=step_time_s,
            learning_rate=learning_rate,
            gradient_norm=_finite(engine.get_global_grad_norm()),
            time=time.time(),
        )
        return metrics, control

    def _control_flag(self) -> float:
        """Return this rank's share of the control flag: only rank 0 sets one."""
        if self.rank != 0:
            return _CONTINUE
        if (self.run_dir / "stop.json").exists():
            return _STOP
        return _SAVE if self.saver.is_due else _CONTINUE

    def _scheduled_held_out_loss(self, step: int) -> float | None:
        """Return the held-out loss if an evaluation is due or the model is kept, else None."""
        recipe = self.recipe
        if step == recipe.steps:  # the evaluation of the whole held-out text follows
            return None
        if recipe.keeps_model_of(step) or step % recipe.eval_every_steps == 0:
            return self._evaluate(step, recipe.eval_sequences)
        return None

    def _evaluate(self, step: int, max_sequences: int | None) -> float:
        """Return the held-out loss in nats per token over at most ``max_sequences`` windows."""
        held_out = held_out_loss(
            self.trainer.engine,
            self.corpus.held_out_tokens(),
            seq_len_tokens=self.recipe.shape.seq_len_tokens,
            batch_sequences=self.recipe.layout.micro_batch_sequences,
            device=self.device,
            max_sequences=max_sequences,
            objective=self.trainer.objective,
        )
        if not math.isfinite(held_out):  # the last update broke the model
            raise LossNotFiniteError(step, self.saver.last_checkpoint)
        return held_out

    def _finish(self, journal: Journal | None, load: measuring.OtherProcessLoad) -> None:
        """Evaluate and export the final model; rank 0 writes ``result.json``."""
        own_cpu_s = ranks.all_reduce_sum(load.own_cpu_s(), self.device)
        other_load_share = load.share(own_cpu_s)
        held_out = self._evaluate(self.recipe.steps, None)
        wall_s = journal.wall_time_s if journal else 0.0
        memory_bytes = ranks.all_reduce_max(measuring.peak_memory_bytes(self.device), self.device)
        idle_bytes = ranks.all_reduce_max(self.idle_memory_bytes, self.device)
        self.saver.export(TrainingProgress(self.recipe.steps, held_out))
        if journal:
            result = self._result(
                journal, held_out, wall_s, memory_bytes, idle_bytes, other_load_share
            )
            write_json(self.run_dir / "result.json", result.model_dump(mode="json"))
            self.saver.remove_training_states()
            disk_space.release_reserve(self.run_dir)

    def _result(
        self,
        journal: Journal,
        held_out: float,
        wall_s: float,
        memory_bytes: float,
        idle_memory_bytes: float,
        other_load_share: float,
    ) -> RunResult:
        recipe = self.recipe
        step_time = journal.step_times()
        tokens_per_s = recipe.tokens_per_step / step_time.mean
        achieved = tokens_per_s * training_flops_per_token(recipe.shape)
        return RunResult(
            steps=recipe.steps,
            tokens=recipe.tokens,
            n_parameters=n_parameters(self.model),
            train_loss=journal.train_loss,
            held_out_loss=held_out,
            bits_per_byte=(
                None if recipe.has_mask_token else self.corpus.report.bits_per_byte(held_out)
            ),
            step_time_s=step_time.mean,
            step_time_s_p10=step_time.p10,
            step_time_s_p90=step_time.p90,
            steps_time_s=journal.steps_time_s,
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


def _finite(value: object) -> float | None:
    """Return a gradient norm, or None.

    DeepSpeed reports no norm at ZeRO stage 0, and none that is finite when it skips a step after
    an overflow of fp16.
    """
    return None if value is None or not math.isfinite(value) else float(value)  # type: ignore[arg-type]


def _failure_of(error: Exception, run_dir: Path, needed_bytes: float) -> Failure | None:
    """Return the failure to report for an error, or None if only its traceback explains it."""
    match error:
        case InputError():
            return Failure.of_input(error)
        case ranks.PortBusyError():
            return Failure(key="port_busy", params={"port": error.port})
        case LossNotFiniteError() | disk_space.DiskFullError():
            return error.failure()
        case _ if disk_space.is_disk_full(error):
            return disk_space.DiskFullError(run_dir, needed_bytes).failure()
        case _:
            return None


def main(run_dir: Path) -> None:
    """Train the run in ``run_dir``; an error that has an explanation is kept there."""
    logging.disable_progress_bar()  # models are saved often, and the log is a file
    worker = None
    # The process group is also destroyed after an error; otherwise the other ranks would wait.
    try:
        worker = Worker(run_dir)
        worker.run()
    except Exception as error:
        failure = _failure_of(error, run_dir, worker.saver.needed_bytes if worker else 0)
        if failure:
            disk_space.release_reserve(run_dir)
            write_json(run_dir / "failure.json", failure.model_dump(mode="json"))
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


if __name__ == "__main__":
    # The launcher puts --local_rank=… before our own argument.
    main(Path(sys.argv[-1]))
