"""DeepSpeed's configuration of a recipe."""

from __future__ import annotations

from typing import Any

from engine.recipes.recipe import Recipe


def deepspeed_config(recipe: Recipe) -> dict[str, Any]:
    """Return the configuration that ``deepspeed.initialize`` takes."""
    zero: dict[str, Any] = {"stage": recipe.layout.zero_stage}
    if recipe.layout.offload == "optimizer":
        zero["offload_optimizer"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": recipe.layout.micro_batch_sequences,
        "gradient_accumulation_steps": recipe.layout.grad_accumulation_steps,
        "gradient_clipping": recipe.gradient_clip,
        "zero_optimization": zero,
        # Offloading also uses PyTorch's optimizer: DeepSpeed's must be compiled first.
        "zero_force_ds_cpu_optimizer": False,
        "bf16": {"enabled": recipe.layout.precision == "bf16"},
        "fp16": {"enabled": recipe.layout.precision == "fp16"},
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": recipe.peak_learning_rate,
                "betas": [0.9, 0.95],
                "weight_decay": recipe.weight_decay,
                "torch_adam": True,  # DeepSpeed's own Adam is compiled at the first start
                "fused": True,  # one kernel per tensor, also on CPUs
            },
        },
        "steps_per_print": 2**31,  # never: metrics.jsonl has the metrics
    }
