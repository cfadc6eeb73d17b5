"""Sample runs, which test a plan on this machine within a given time.

A sample run is the plan itself if this machine finishes it in time; otherwise it has fewer steps,
or a smaller model of the same architecture.
"""

from __future__ import annotations

from engine.corpora.choice import CorpusChoice
from engine.documents import InputError
from engine.forecast import forecast
from engine.layout import TRAINING_PRECISIONS, Layout
from engine.machine import Machine, profile_of_machine
from engine.plan import Plan, best_precision
from engine.recipes.recipe import Recipe, model_class
from engine.shapes import Experts, ModelShape
from engine.units import BYTES_PER_GB

MIN_STEPS = 40
"""Smallest number of steps; fewer say little about step time and nothing about loss."""
_SMALL_VOCAB = 2_048
"""Largest vocabulary of a smaller model."""
_LARGEST_TOKENIZER = 16_384
"""Largest tokenizer, which a dozen megabytes of text yield easily.

A model with a larger vocabulary leaves its other embeddings unused.
"""
_SMALL_SEQ_LEN = 256
"""Longest sequence of a smaller model, in tokens."""
_FEWEST_LAYERS, _SMALLEST_WIDTH = 2, 64
_MOST_EXPERTS = 8


def sample_recipe(
    plan: Plan,
    machine: Machine,
    name: str,
    *,
    budget_s: float,
    corpus: CorpusChoice | None = None,
) -> Recipe:
    """Return the recipe of the largest sample of ``plan`` for about ``budget_s`` seconds.

    Raises
    ------
    InputError
        If even the smallest sample does not fit ``machine``, or the plan cannot be trained.
    """
    n_ranks = min(plan.cluster.n_devices, machine.n_devices)
    same_device = plan.cluster.accelerator == machine.device.accelerator
    precision = plan.layout.precision if same_device else best_precision(machine.device)
    if precision not in TRAINING_PRECISIONS:
        precision = best_precision(machine.device)
    layout = plan.layout.data_parallel_only().model_copy(update={"precision": precision})
    # Fused attention stores no scores to recompute.
    if layout.activation_checkpointing == "selective":
        layout = layout.model_copy(update={"activation_checkpointing": "none"})
    as_planned = same_device and _is_trained_here(plan.shape)
    candidates = [*([plan.shape] if as_planned else []), *_smaller(plan.shape)]
    for shape in candidates:
        fitted = _batch_that_fits(shape, layout, small=shape is not plan.shape)
        recipe = Recipe.parse(
            {
                "name": name,
                "shape": shape,
                "layout": fitted,
                "corpus": corpus or CorpusChoice(),
                "tokenizer_vocab": _LARGEST_TOKENIZER if shape.vocab > _LARGEST_TOKENIZER else None,
                "n_ranks": n_ranks,
                "steps": MIN_STEPS,
                # The learning rate is about inversely proportional to width (Yang 2022, table 3).
                "peak_learning_rate": min(
                    4e-3, plan.peak_learning_rate * plan.shape.d_model / shape.d_model
                ),
            }
        )
        is_last = shape == candidates[-1]
        try:
            trial = forecast(run_plan(recipe, plan, machine))
        except InputError as error:
            if error.field == "memory" and not is_last:
                continue
            raise
        steps = int(budget_s / trial.step_time_s.value)
        wanted = max(MIN_STEPS, -(-plan.tokens // recipe.tokens_per_step))
        enough_memory = n_ranks * trial.memory_bytes_per_device.value <= machine.memory_bytes
        if (steps >= MIN_STEPS and enough_memory) or is_last:
            steps = max(MIN_STEPS, min(steps, wanted))
            return recipe.with_values({"steps": steps, "eval_every_steps": max(1, steps // 10)})
    raise AssertionError("the last candidate is always taken")


def run_plan(recipe: Recipe, plan: Plan | None, machine: Machine) -> Plan:
    """Return the plan of a run on ``machine``, from which its forecast is made.

    Price, scaling law and calibration are taken from ``plan`` if they apply to ``machine``. Speed
    and memory use the profile of ``machine`` if it has one.

    Raises
    ------
    InputError
        If the machine has too few devices or too little memory.
    """
    if recipe.n_ranks > machine.n_devices:
        raise InputError("n_ranks", recipe.n_ranks, "less_than_equal", limit=machine.n_devices)
    cluster = machine.cluster(recipe.n_ranks)
    extras: dict[str, object] = {"profile": profile_of_machine(machine)}
    if plan is not None:
        extras |= {"law": plan.law, "calibration": plan.calibration}
        if plan.cluster.accelerator == cluster.accelerator:
            cluster = plan.cluster.model_copy(
                update={"n_devices": recipe.n_ranks, "availability_share": 1.0}
            )
    run = Plan.parse(
        {
            "shape": recipe.shape,
            "tokens": recipe.tokens,
            "layout": recipe.layout,
            "cluster": cluster,
            "peak_learning_rate": recipe.peak_learning_rate,
            "software": "Flopledger",
            **extras,
        }
    )
    least_bytes = recipe.n_ranks * forecast(run).memory_bytes_per_device.low
    if least_bytes > machine.memory_bytes:
        raise InputError(
            "memory",
            f"{least_bytes / BYTES_PER_GB:.1f} GB",
            "less_than_equal",
            limit=f"{machine.memory_bytes / BYTES_PER_GB:.1f} GB",
        )
    return run


def _is_trained_here(shape: ModelShape) -> bool:
    try:
        model_class(shape)
    except InputError:
        return False
    return True


def _smaller(shape: ModelShape) -> list[ModelShape]:
    """Return shapes of the same architecture, each about a quarter of the previous."""
    found: list[ModelShape] = []
    layers, width = shape.n_layers, shape.d_model
    while not found or layers > _FEWEST_LAYERS or width > _SMALLEST_WIDTH:
        layers = max(_FEWEST_LAYERS, round(layers / 1.6))
        width = max(_SMALLEST_WIDTH, round(width / 1.6 / 64) * 64)
        found.append(_at_size(shape, layers, width))
    return found


def _at_size(shape: ModelShape, layers: int, width: int) -> ModelShape:
    """Return ``shape`` with other numbers of layers and width, and its parts in proportion."""
    largest_head_dim = 64 if width >= 512 else 32
    # Outside Llama's family the heads fill the width, a multiple of 64.
    is_llama = shape.family == "llama"
    head_dim = min(shape.head_dim, largest_head_dim) if is_llama else largest_head_dim
    n_heads = width // head_dim
    group = shape.n_heads // shape.n_kv_heads
    changes = {
        "n_layers": layers,
        "d_model": width,
        "n_heads": n_heads,
        "n_kv_heads": n_heads // group if n_heads % group == 0 else n_heads,
        "head_dim": head_dim,
        "d_ff": _scaled(shape.d_ff, width / shape.d_model),
        "vocab": min(shape.vocab, _SMALL_VOCAB),
        "seq_len_tokens": min(shape.seq_len_tokens, _SMALL_SEQ_LEN),
        "tied_embeddings": True,
        # Training builds the family's own block only: latent attention and shared experts are
        # part of the forecast and not of the sample.
        **dict.fromkeys(("ffn", "biases", "positions", "moe", "mla")),
    }
    if shape.moe and shape.family == "llama":
        n_experts = min(shape.moe.n_experts, _MOST_EXPERTS)
        changes["moe"] = Experts(
            n_experts=n_experts,
            top_k=min(shape.moe.top_k, n_experts // 2),
            d_ff=_scaled(shape.moe.d_ff, width / shape.d_model),
        )
    return shape.model_copy(update=changes)


def _scaled(d_ff: int, ratio: float) -> int:
    return max(64, round(d_ff * ratio / 32) * 32)


def _batch_that_fits(shape: ModelShape, layout: Layout, *, small: bool) -> Layout:
    if not small:
        return layout
    return layout.model_copy(
        update={
            "micro_batch_sequences": 8,
            "grad_accumulation_steps": 1,
            "activation_checkpointing": "none",
        }
    )
