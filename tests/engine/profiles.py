"""A synthetic machine that is exactly as fast as given parameters of the predictor."""

from __future__ import annotations

import datetime

from engine.calibration.machine_profile import (
    AttentionRate,
    Collective,
    CopyRate,
    LinearRate,
    MachineProfile,
    Rates,
)
from engine.facts import accelerator
from engine.machine import Machine

TWO_CORES = Machine(accelerator("CPU-core"), 2, 24e9)

TRUE_VALUES = {
    "time_factor:Flopledger": 1.0,
    "device_matmul:CPU-core": 1.0,
    "bandwidth_share:CPU": 1.0,
    "fast_link_share:CPU": 1.0,
    "matmul_of_best:CPU": 0.9 / 0.75,
    "size_penalty:CPU": 10.0,
    "misaligned:CPU": 1.0,
    "attention_share:sdpa CPU": 0.4,
    "attention_half_tokens:CPU": 80.0,
    "head_dim_exponent:CPU": 0.2,
    "elementwise:CPU": 2.5,
    "logit_bytes:CPU": 30.0,
    "accumulation:CPU": 1.2,
    "optimizer_bytes:CPU": 22.0,
    "data_exposed:plain": 1.3,
    "fsdp_exposed:CPU": 2.4,
    "sharding_copy_bytes:CPU": 60.0,
    "host_smoothness:CPU": 1.0,
    "layer_host_s:CPU": 0.009,
    "step_host_s:CPU": 0.007,
    "sharded_layer_host_s:CPU": 0.009,
    "runtime_gb:CPU": 0.5,
    "activation_copies:CPU": 1.2,
    "allocator_slack:CPU": 1e-6,
    "communication_buffers:CPU": 1.1,
    "sharding_buffers:CPU": 1.8,
    "gathering_buffers:CPU": 1.5,
    "sharding_gb:CPU": 0.085,
    "logit_memory_bytes:CPU": 20.0,
}

PEAK_FLOPS_PER_S = 50e9
MEMORY_BYTES_PER_S = 10e9


def true_rates() -> Rates:
    """Return the rates of single operations on that machine."""
    attention = []
    for sequences, heads, tokens, head_dim in ((8, 4, 128, 32), (4, 8, 256, 64), (2, 4, 512, 64)):
        share = 0.4 * (head_dim / 128) ** 0.2 / (1 + 80 / tokens)
        attention.append(
            AttentionRate(
                sequences=sequences,
                heads=heads,
                tokens=tokens,
                head_dim=head_dim,
                flops_per_s=PEAK_FLOPS_PER_S * share,
            )
        )
    return Rates(
        linear=(
            LinearRate(
                precision="fp32", tokens=1024, n_in=512, n_out=1408, flops_per_s=PEAK_FLOPS_PER_S
            ),
            LinearRate(precision="fp32", tokens=512, n_in=64, n_out=192, flops_per_s=40e9),
            LinearRate(precision="bf16", tokens=512, n_in=64, n_out=192, flops_per_s=0.4e9),
        ),
        attention=tuple(attention),
        copies=(
            CopyRate(bytes=2**20, bytes_per_s=60e9),
            CopyRate(bytes=2**26, bytes_per_s=MEMORY_BYTES_PER_S),
        ),
        optimizer_parameters_per_s=MEMORY_BYTES_PER_S / 22.0,
        collectives=(
            Collective(kind="all_reduce", bytes=2**20, seconds=0.002),
            Collective(kind="all_reduce", bytes=2**24, seconds=0.016),
        ),
    )


def true_profile() -> MachineProfile:
    """Return the profile that a perfect measurement of that machine would give."""
    return MachineProfile(
        device="made-up cores",
        accelerator="CPU-core",
        n_devices=2,
        measured_on=datetime.date(2026, 11, 25),
        rates=true_rates(),
        pace_s=0.002,
        values=TRUE_VALUES,
        step_spread=0.06,
        memory_spread=0.05,
        runs=(),
        versions={},
    )
