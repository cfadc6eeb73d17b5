"""The recipe in DeepSpeed's own words."""

from __future__ import annotations

from typing import Any

from engine.recipes.recipe import Recipe


def deepspeed_config(recipe: Recipe) -> dict[str, Any]:
    zero: dict[str, Any] = {"stage": recipe.layout.zero_stage}
    if recipe.layout.offload == "optimizer":
        zero["offload_optimizer"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": recipe.layout.micro_batch_sequences,
        "gradient_accumulation_steps": recipe.layout.grad_accumulation_steps,
        "gradient_clipping": recipe.gradient_clip,
        "zero_optimization": zero,
        # PyTorch's own optimizer will do there, too: DeepSpeed's would be compiled first.
        "zero_force_ds_cpu_optimizer": False,
        "bf16": {"enabled": recipe.layout.precision == "bf16"},
        "fp16": {"enabled": recipe.layout.precision == "fp16"},
        "optimizer": {
            "type": "AdamW",
            "params": {
                "lr": recipe.peak_learning_rate,
                "betas": [0.9, 0.95],
                "weight_decay": recipe.weight_decay,
                "torch_adam": True,  # DeepSpeed's own Adam would be compiled at the first start
                "fused": True,  # one kernel for each tensor, on CPUs as well
            },
        },
        "steps_per_print": 2**31,  # metrics.jsonl says it
    }
