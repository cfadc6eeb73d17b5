"""What each rank of a training run does. Started by the ``deepspeed`` launcher:
``deepspeed … --module engine.training.worker RUN_DIR``.

Rank 0 writes ``metrics.jsonl`` while it trains and ``result.json`` at the very end.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from pathlib import Path

import deepspeed
import numpy as np
import psutil
import torch
from torch import distributed
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from engine.documents import InputError, read_toml
from engine.files import append_json_line, write_json
from engine.flops import training_flops_per_token
from engine.machine import cpu_name
from engine.results import Failure, RunResult, StepMetrics
from engine.training import ops
from engine.training.batches import TrainingBatches
from engine.training.corpus import PreparedCorpus
from engine.training.evaluation import held_out_loss
from engine.training.export import export_model
from engine.training.model import build_model
from engine.training.objectives import Objective, objective_of
from engine.training.prepare import prepared_corpus
from engine.training.probe import measure_matmul_flops_per_s
from engine.training.recipe import Recipe

SETTLING_STEPS = 3
"""First steps, which also set up allocators and kernels: timed apart from the rest."""


class LossNotFiniteError(RuntimeError):
    """The loss became NaN or infinite at ``step``."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss is not a number at step {step}")
        self.step = step


class Worker:
    """One rank of one run, from its set-up to the exported model."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.recipe = read_toml(run_dir / "recipe.toml", Recipe)
        self.device = _set_up_device()
        self.rank = distributed.get_rank()
        self.corpus: PreparedCorpus = prepared_corpus(run_dir)
        self.peak_flops_per_s = self._sum_over_ranks(
            measure_matmul_flops_per_s(self.device, self.recipe.layout.precision)
        )
        if self.device.type == "cuda":  # the probe's matrices are none of the model's memory
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        self.idle_memory_bytes = _memory_in_use_bytes(self.device)
        torch.manual_seed(self.recipe.seed)  # all ranks start from the same weights
        self.model: PreTrainedModel = build_model(self.recipe.shape)
        self.objective: Objective = objective_of(self.recipe)
        if self.recipe.layout.activation_checkpointing == "full":
            self.model.gradient_checkpointing_enable()
        self.engine, *_ = deepspeed.initialize(
            model=self.model,
            model_parameters=self.model.parameters(),
            config=deepspeed_config(self.recipe),
            lr_scheduler=lambda optimizer: LambdaLR(optimizer, self.recipe.learning_rate_share),
        )
        self.step_times_s: list[float] = []
        self.loss = self.held_out = math.nan

    def run(self) -> None:
        started = time.monotonic()
        load = LoadByOthers()
        batches = TrainingBatches(self.corpus.train_tokens(), self.recipe)
        for step in range(self.recipe.steps):
            self._train_step(step, batches)
        own_cpu_s = self._sum_over_ranks(load.own_cpu_s())
        other_load_share = load.share(own_cpu_s)
        self.held_out = self._evaluate(None)
        wall_s = time.monotonic() - started
        memory_bytes = self._max_over_ranks(_peak_memory_bytes(self.device))
        idle_memory_bytes = self._max_over_ranks(self.idle_memory_bytes)
        self._export()
        if self.rank == 0:
            self._write_result(wall_s, memory_bytes, idle_memory_bytes, other_load_share)
        distributed.barrier()

    def _train_step(self, step: int, batches: TrainingBatches) -> None:
        recipe = self.recipe
        learning_rate = float(self.engine.get_lr()[0])
        started = time.perf_counter()
        loss_sum = 0.0
        for accumulation in range(recipe.layout.grad_accumulation_steps):
            windows = batches.micro_batch(step, accumulation, self.rank)
            sequences = batches.sequences(step, accumulation, self.rank)
            examples = self.objective.training_examples(windows, sequences)
            losses = self.objective.losses(self.engine, examples.on(self.device))
            self.engine.backward(losses.total)
            self.engine.step()
            loss_sum += losses.text.item()
        # Adding up the losses also waits for every rank, so a step ends when its last rank does.
        loss_sum = self._sum_over_ranks(loss_sum)
        self.loss = loss_sum / recipe.n_ranks / recipe.layout.grad_accumulation_steps
        step_time_s = time.perf_counter() - started
        self.step_times_s.append(step_time_s)
        if not math.isfinite(self.loss):
            raise LossNotFiniteError(step + 1)
        is_last = step + 1 == recipe.steps
        evaluate = (step + 1) % recipe.eval_every_steps == 0 and not is_last
        held_out = self._evaluate(recipe.eval_sequences) if evaluate else None
        if self.rank == 0:
            metrics = StepMetrics(
                step=step + 1,
                tokens=(step + 1) * recipe.tokens_per_step,
                loss=self.loss,
                held_out_loss=held_out,
                step_time_s=step_time_s,
                learning_rate=learning_rate,
                gradient_norm=_finite(self.engine.get_global_grad_norm()),
                time=time.time(),
            )
            append_json_line(self.run_dir / "metrics.jsonl", metrics.model_dump())

    def _evaluate(self, max_sequences: int | None) -> float:
        return held_out_loss(
            self.engine,
            self.corpus.held_out_tokens(),
            seq_len_tokens=self.recipe.shape.seq_len_tokens,
            batch_sequences=self.recipe.layout.micro_batch_sequences,
            device=self.device,
            max_sequences=max_sequences,
            objective=self.objective,
        )

    def _export(self) -> None:
        """ZeRO stage 3 keeps a shard of each weight on each rank: gather them on rank 0."""
        parameters = list(self.model.parameters())
        with deepspeed.zero.GatheredParameters(parameters, modifier_rank=None):
            if self.rank == 0:
                export_model(self.model, self.corpus.tokenizer_file, self.run_dir / "model")

    def _write_result(
        self, wall_s: float, memory_bytes: float, idle_memory_bytes: float, other_load_share: float
    ) -> None:
        recipe = self.recipe
        settled = self.step_times_s[SETTLING_STEPS:] or self.step_times_s
        step_time_s = statistics.fmean(settled)  # slow steps are paid for, too
        tokens_per_s = recipe.tokens_per_step / step_time_s
        achieved = tokens_per_s * training_flops_per_token(recipe.shape)
        p10, p90 = np.quantile(settled, [0.1, 0.9])
        result = RunResult(
            steps=recipe.steps,
            tokens=recipe.tokens,
            n_parameters=sum(_full_size(p) for p in self.model.parameters()),
            train_loss=self.loss,
            held_out_loss=self.held_out,
            bits_per_byte=self.corpus.report.bits_per_byte(self.held_out),
            step_time_s=step_time_s,
            step_time_s_p10=float(p10),
            step_time_s_p90=float(p90),
            steps_time_s=sum(self.step_times_s),
            wall_time_s=wall_s,
            tokens_per_s=tokens_per_s,
            achieved_flops_per_s=achieved,
            peak_flops_per_s=self.peak_flops_per_s,
            mfu=achieved / self.peak_flops_per_s,
            memory_bytes_per_device=memory_bytes,
            idle_memory_bytes_per_device=idle_memory_bytes,
            n_ranks=recipe.n_ranks,
            device=_device_name(self.device),
            other_load_share=other_load_share,
            corpus=self.corpus.report,
            versions={"torch": torch.__version__, "deepspeed": deepspeed.__version__},
        )
        write_json(self.run_dir / "result.json", result.model_dump(mode="json"))

    def _sum_over_ranks(self, value: float) -> float:
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item()

    def _max_over_ranks(self, value: float) -> float:
        largest = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(largest, distributed.ReduceOp.MAX)
        return largest.item()


class LoadByOthers:
    """How busy other processes keep the cores while we measure: the commonest reason why a
    step takes longer than it should."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._busy_s = _machine_busy_s()
        self._own_s = time.process_time()

    def own_cpu_s(self) -> float:
        return time.process_time() - self._own_s

    def share(self, all_ranks_cpu_s: float) -> float:
        """Cores kept busy by others, as a share of all cores, since this was made."""
        available_s = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        others_s = _machine_busy_s() - self._busy_s - all_ranks_cpu_s
        return min(1.0, max(0.0, others_s / available_s))


def deepspeed_config(recipe: Recipe) -> dict[str, object]:
    """The recipe in DeepSpeed's own words."""
    return {
        "train_micro_batch_size_per_gpu": recipe.layout.micro_batch_sequences,
        "gradient_accumulation_steps": recipe.layout.grad_accumulation_steps,
        "gradient_clipping": recipe.gradient_clip,
        "zero_optimization": {"stage": recipe.layout.zero_stage},
        "bf16": {"enabled": recipe.layout.precision == "bf16"},
        "fp16": {"enabled": recipe.layout.precision == "fp16"},
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": recipe.peak_learning_rate,
                "betas": [0.9, 0.95],
                "weight_decay": recipe.weight_decay,
                "torch_adam": True,  # DeepSpeed's own Adam would be compiled at the first start
            },
        },
        "steps_per_print": 2**31,  # metrics.jsonl says it
    }


def _set_up_device() -> torch.device:
    """Join the other ranks; on a CPU each takes one core."""
    if os.environ.get("DS_ACCELERATOR") != "cpu":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        deepspeed.init_distributed("nccl")
        return device
    torch.set_num_threads(1)  # a device of the accelerator table is one core
    ops.hand_to_deepspeed()
    deepspeed.init_distributed("gloo")
    return torch.device("cpu")


def _machine_busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def _memory_in_use_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return psutil.Process().memory_info().rss


def _peak_memory_bytes(device: torch.device) -> int:
    """Largest memory of this rank so far: resident set on CPU, reserved by PyTorch on GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_name()


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
        _report(run_dir, Failure(key="loss_not_finite", params={"step": error.step}))
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


if __name__ == "__main__":
    # The launcher puts --local_rank=… before our own argument.
    main(sys.argv[-1])
