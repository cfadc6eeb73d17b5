"""One row: what its cells mean, and what stands for each that is empty."""

from typing import Any

import pytest

from engine.documents import InputError
from engine.evidence.rows import Run, network_gb_per_s, run_of
from engine.predictor.estimate import estimate
from engine.predictor.search import SearchSpace, best_layout
from engine.predictor.stacks import stacks
from tests.engine.evidence.rows import LLAMA3_8B_ROW, MIXTRAL_ROW
from tests.engine.shapes import LLAMA3_8B


def read(**changes: str) -> Run:
    return run_of(LLAMA3_8B_ROW | changes)


def read_moe(**changes: str) -> Run:
    return run_of(MIXTRAL_ROW | changes)


def test_what_is_stated_is_what_is_read() -> None:
    run = read()
    assert run.shape.count_parameters() == LLAMA3_8B.count_parameters()
    assert run.layout.model_dump() == {
        "micro_batch_sequences": 2,
        "grad_accumulation_steps": 8,
        "zero_stage": 1,
        "shard_group": 0,
        "precision": "bf16",
        "activation_checkpointing": "none",
        "tensor_parallel": 2,
        "pipeline_parallel": 4,
        "virtual_stages": 2,
        "context_parallel": 2,
        "expert_parallel": 1,
        "offload": "none",
    }
    assert run.n_devices == 64
    assert run.device.accelerator == "H100-80GB"
    assert run.stack == stacks()["Megatron-LM"]
    assert run.impossible == ""
    assert run.power_share == 1


# Defaults, one column at a time --------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"n_heads": ""}, {"n_heads": 32}),  # as many as d_model holds
        ({"n_heads": "", "head_dim": ""}, {"n_heads": 32, "head_dim": 128}),  # heads 128 wide
        ({"n_heads": "", "head_dim": "64", "n_kv_heads": ""}, {"n_heads": 64}),
        # Heads that tensor parallelism can split, and an even width.
        ({"n_heads": "", "head_dim": "", "n_kv_heads": "", "d_model": "14400"}, {"n_heads": 112}),
        ({"n_kv_heads": ""}, {"n_kv_heads": 32}),  # no groups
        ({"head_dim": ""}, {"head_dim": 128}),
        ({"head_dim": "", "n_heads": "96", "n_kv_heads": "96"}, {"head_dim": 42}),
        ({"d_ff": ""}, {"d_ff": 11008}),  # Llama's 8/3, in multiples of 256
        ({"d_ff": "", "gated_ffn": "0"}, {"d_ff": 16384}),
        ({"gated_ffn": ""}, {"ffn": "gated"}),
        ({"gated_ffn": "0"}, {"ffn": "plain"}),
        ({"vocab": ""}, {"vocab": 50_257}),
        ({"seq_len": ""}, {"seq_len_tokens": 4_096}),
        ({"tied_embeddings": ""}, {"tied_embeddings": False}),
        ({"tied_embeddings": "1"}, {"tied_embeddings": True}),
        ({"n_experts": ""}, {"moe": None}),
        ({"n_experts": "1"}, {"moe": None}),
        ({"mla": ""}, {"mla": None}),
    ],
)
def test_shape_where_a_cell_is_empty(changes: dict[str, str], expected: dict[str, Any]) -> None:
    shape = read(**changes).shape
    assert {name: getattr(shape, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"moe_top_k": ""}, {"top_k": 2}),
        ({"moe_d_ff": ""}, {"d_ff": 14336}),  # as wide as the dense network
        ({"n_shared_experts": ""}, {"n_shared_experts": 0}),
        ({"n_dense_layers": ""}, {"n_dense_layers": 0}),
        ({"n_shared_experts": "1", "n_dense_layers": "3"}, {"n_dense_layers": 3}),
    ],
)
def test_experts_where_a_cell_is_empty(changes: dict[str, str], expected: dict[str, int]) -> None:
    moe = read_moe(**changes).shape.moe
    assert moe is not None
    assert {name: getattr(moe, name) for name in expected} == expected


def test_latent_attention_is_deepseeks() -> None:
    shape = read(mla="1", n_heads="128", head_dim="192", n_kv_heads="").shape
    assert shape.mla is not None
    assert shape.mla.model_dump() == {
        "q_lora_rank": 1536,
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
    }


@pytest.mark.parametrize("empty", ["", "0"])
@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("tp", "tensor_parallel"),
        ("pp", "pipeline_parallel"),
        ("vp", "virtual_stages"),
        ("cp", "context_parallel"),
        ("ep", "expert_parallel"),
    ],
)
def test_degrees_that_are_not_stated_are_one(column: str, field: str, empty: str) -> None:
    run = run_of(MIXTRAL_ROW | {column: empty})
    assert getattr(run.layout, field) == 1


def test_degrees_that_mean_nothing_are_one() -> None:
    assert read(pp="1", vp="4").layout.virtual_stages == 1
    assert read(ep="8").layout.expert_parallel == 1  # a dense model has no experts


@pytest.mark.parametrize(
    ("changes", "micro_batch", "steps"),
    [
        # 64 / (2·4·2) = 4 replicas with 64 sequences.
        ({"grad_accum": ""}, 2, 8),
        ({"grad_accum": "0"}, 2, 8),
        ({"grad_accum": "", "global_batch": "256"}, 2, 32),
        ({"micro_batch": ""}, 1, 8),  # a pipeline runs single sequences
        ({"micro_batch": "", "grad_accum": ""}, 1, 16),
        # 8,192 tokens where there is none: one sequence of 8192, four of 2048.
        ({"micro_batch": "", "grad_accum": "", "pp": "1"}, 1, 4),
        ({"micro_batch": "", "grad_accum": "", "pp": "1", "seq_len": "2048"}, 4, 1),
        # But no more than a replica has.
        (
            {
                "micro_batch": "",
                "grad_accum": "",
                "pp": "1",
                "seq_len": "2048",
                "global_batch": "32",
            },
            2,
            1,
        ),
        # The batch is not stated either: eight micro batches.
        ({"micro_batch": "", "grad_accum": "", "global_batch": ""}, 1, 8),
        # A ragged last micro batch counts where it fills more than half: 5 of 8 sequences do.
        ({"micro_batch": "8", "grad_accum": "", "global_batch": "84"}, 8, 3),
        ({"micro_batch": "8", "grad_accum": "", "global_batch": "76"}, 8, 2),
    ],
)
def test_batch_where_a_cell_is_empty(changes: dict[str, str], micro_batch: int, steps: int) -> None:
    layout = read(**changes).layout
    assert (layout.micro_batch_sequences, layout.grad_accumulation_steps) == (micro_batch, steps)


@pytest.mark.parametrize(
    ("stage", "sharding", "expected", "group"),
    [
        ("0", "", 0, 0),
        ("3", "", 3, 0),
        ("", "", 1, 0),
        ("", "DDP", 1, 0),
        ("", "distributed optimizer", 1, 0),
        ("", "ZeRO-1", 1, 0),
        ("", "ZeRO-2", 2, 0),
        ("", "ZeRO-3", 3, 0),
        ("", "FSDP FULL_SHARD", 3, 0),
        ("", "FSDP 8 x DP", 3, 8),
        ("", "HSDP 16 x 4", 3, 16),
        ("3", "HSDP 64 x 1", 3, 0),  # one group is no group
        ("3", "HSDP 7 x 9", 3, 0),  # cannot be
        ("2", "FSDP", 2, 0),  # the stage counts
    ],
)
def test_sharding(stage: str, sharding: str, expected: int, group: int) -> None:
    layout = read(tp="1", pp="1", cp="1", zero_stage=stage, sharding=sharding).layout
    assert (layout.zero_stage, layout.shard_group) == (expected, group)


@pytest.mark.parametrize(
    ("cell", "precision"),
    [
        ("", "bf16"),
        ("BF16", "bf16"),
        ("fp16/bf16", "bf16"),
        ("16-bit", "bf16"),
        ("bfloat16", "bf16"),
        (" fp16 ", "fp16"),
        ("fp8", "fp8"),
        ("FP8-rowwise", "fp8-rowwise"),
    ],
)
def test_precision(cell: str, precision: str) -> None:
    assert read(precision=cell).layout.precision == precision


@pytest.mark.parametrize(
    ("framework", "gpu", "expected"),
    [
        ("Megatron-LM", "H100-80GB", "none"),
        ("Megatron-LM", "A100-80GB", "full"),  # the stack of 2021
        ("Megatron-DeepSpeed", "A100-80GB", "full"),
        ("maxtext", "H100-80GB", "full"),
        ("", "H100-80GB", "none"),  # fits
    ],
)
def test_checkpointing_is_the_softwares_where_it_is_not_stated(
    framework: str, gpu: str, expected: str
) -> None:
    run = read(framework=framework, gpu=gpu, act_ckpt="", micro_batch="1")
    assert run.layout.activation_checkpointing == expected
    assert read(framework=framework, gpu=gpu, act_ckpt="selective").layout == run.layout.model_copy(
        update={"activation_checkpointing": "selective", "micro_batch_sequences": 2}
    )


def test_checkpointing_where_nothing_else_fits() -> None:
    """Software that checkpoints as needed: 64k tokens on one device do not fit without."""
    changes = {"tp": "1", "pp": "1", "cp": "1", "zero_stage": "3", "seq_len": "65536"}
    long = read(framework="DeepSpeed", act_ckpt="", micro_batch="1", **changes)
    assert long.layout.activation_checkpointing == "full"
    stated = read(framework="DeepSpeed", act_ckpt="none", micro_batch="1", **changes)
    assert stated.layout.activation_checkpointing == "none"


def test_weights_are_sharded_where_they_fit_no_other_way() -> None:
    """70 billion parameters take 140 GB; a stated stage is kept, fit or not."""
    large = {"n_layers": "80", "d_model": "8192", "n_heads": "64", "d_ff": "28672"}
    plain = {"tp": "1", "pp": "1", "cp": "1", "micro_batch": "1"}
    assert read(**large, **plain, zero_stage="").layout.zero_stage == 3
    assert read(**large, **plain, zero_stage="1").layout.zero_stage == 1
    assert read(**plain, zero_stage="").layout.zero_stage == 1


def test_without_a_word_on_the_split_it_is_the_fastest_that_fits() -> None:
    unsaid = dict.fromkeys(
        ("tp", "pp", "vp", "cp", "ep", "zero_stage", "micro_batch", "grad_accum", "act_ckpt"), ""
    )
    run = read(**unsaid, n_gpus="16")
    best = best_layout(
        SearchSpace(
            shape=run.shape,
            device=run.device,
            n_devices=16,
            global_batch_sequences=64,
            stack=stacks()["Megatron-LM"],
        )
    )
    assert best is not None
    assert run.layout == best.layout
    assert run.layout.global_batch_sequences(16) == 64
    assert best.memory_bytes < 80e9


@pytest.mark.parametrize(
    ("cell", "offload"),
    [("", "none"), ("0", "none"), ("none", "none"), ("1", "optimizer"), ("adam", "optimizer")],
)
def test_offload(cell: str, offload: str) -> None:
    assert read(cpu_offload=cell).layout.offload == offload


def test_machine_where_a_cell_is_empty() -> None:
    one_node = {"tp": "1", "pp": "1", "cp": "1"}
    assert read(n_gpus="", **one_node).n_devices == 8
    assert read(n_gpus="", gpu="GB200", **one_node).n_devices == 72
    assert read(gpus_per_node="").device.domain_size == 8
    assert read(gpus_per_node="4").device.domain_size == 4
    # Trays of four in a rack whose links join 72.
    assert read(gpu="GB200", gpus_per_node="4").device.domain_size == 72
    assert read(interconnect="").device.slow_gb_per_s == 50
    pod = read(gpu="TPU-v5p", gpus_per_node="", interconnect="", precision="bf16").device
    assert pod.domain_size >= 8_960  # the chips of a v5p pod


@pytest.mark.parametrize(
    ("text", "per_node", "expected"),
    [
        ("DGX-H100 8x400Gb/s", 8, 50),
        ("8x200Gb/s InfiniBand", 8, 25),
        ("RoCE 1600Gbps/node", 8, 25),
        ("3200 Gb/s / server", 8, 50),
        ("4x OmniPath 100Gb/node", 8, 6.25),
        ("8x IB HDR200/node (Selene)", 8, 25),
        ("4x400Gb", 4, 50),
        ("400Gb/GPU", 8, 50),
        ("A3 GPUDirect-TCPX", 8, 12.5),
        ("", 8, None),
        ("InfiniBand", 8, None),
        ("NVLink 5", 8, None),
    ],
)
def test_words_for_a_network(text: str, per_node: int, expected: float | None) -> None:
    """GB/s of one device, one direction."""
    assert network_gb_per_s(text, per_node) == expected
    if expected is not None:
        run = read(interconnect=text, gpus_per_node=str(per_node))
        assert run.device.slow_gb_per_s == expected


def test_software_as_the_row_says_that_it_was_used() -> None:
    plain = read(framework="torchtitan").stack
    assert plain == stacks()["torchtitan"]
    assert read(framework="torchtitan", compile="1").stack.elementwise == "fused"
    assert read(framework="torchtitan", async_tp="1").stack.tensor_overlap
    off = read(notes='DP/TP comm overlap off ("non-overlap launch")').stack
    assert not off.tensor_overlap
    assert not off.data_overlap
    assert read(notes="tokendrop 1.5").stack.moe_host == "dropped"
    assert read(framework="").stack == stacks()["default"]


@pytest.mark.parametrize(
    ("release", "year"),
    [("25.04.01", 2025 + 3.5 / 12), ("24.12", 2024 + 11.5 / 12), ("v1.2", 2026.0), ("", 2026.0)],
)
def test_containers_are_named_by_year_and_month(release: str, year: float) -> None:
    assert read(release=release).year == pytest.approx(year)


@pytest.mark.parametrize(
    ("notes", "share"),
    [
        ("power limit 500 W", 500 / 700),
        ("capped at 500W", 500 / 700),
        ("1000 W", 1.0),  # above its own
        ("100 W", 0.3),  # no H100 runs at that
        ("", 1.0),
        ("5000 Words", 1.0),
    ],
)
def test_a_power_limit_in_the_notes(notes: str, share: float) -> None:
    assert read(notes=notes).power_share == pytest.approx(share)


def test_memory_of_tensors_alone() -> None:
    assert read(notes="mem is peak allocated GiB").allocated_only
    assert not read(notes="mem is what nvidia-smi shows").allocated_only


# What cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"tp": "16", "pp": "1", "cp": "1", "n_heads": "24", "n_kv_heads": "24"},
            "tensor_parallel",
        ),
        ({"pp": "64", "tp": "1", "cp": "1"}, "pipeline_parallel"),
        ({"pp": "4", "vp": "16"}, "virtual_stages"),
        ({"cp": "2", "seq_len": "4095"}, "context_parallel"),
    ],
)
def test_an_impossible_layout_says_why(changes: dict[str, str], reason: str) -> None:
    run = read(**changes)
    assert run.impossible.startswith(f"{reason}: ")
    with pytest.raises(InputError, match=reason):
        estimate(run.shape, run.layout, run.device, run.n_devices, run.stack)


def test_experts_that_do_not_divide_say_why() -> None:
    assert read_moe(ep="3").impossible.startswith("expert_parallel: 3 ")
    assert read_moe(ep="32").impossible.startswith("expert_parallel: 32 ")


@pytest.mark.parametrize(
    ("column", "cell", "shown"),
    [
        ("gpu", "", "gpu: "),
        ("gpu", "H100-80GIB", "gpu: H100-80GIB .* H100-80GB"),
        ("n_gpus", "-8", "n_gpus: -8 .* at least 1"),
        ("n_gpus", "0", "n_gpus: 0 .* at least 1"),
        ("n_gpus", "60", "n_gpus: 60 .* multiple of 16"),
        ("n_layers", "", "n_layers: no value .* whole number"),
        ("n_layers", "0", "n_layers: 0 .* at least 1"),
        ("d_model", "", "d_model: no value .* whole number"),
        ("d_model", "wide", "d_model: wide .* whole number"),
        ("d_model", "4096.5", r"d_model: 4096\.5 .* whole number"),
        ("d_model", "nan", "d_model: nan .* whole number"),
        ("d_model", "1e999", "d_model: 1e999 .* whole number"),
        ("d_model", "9" * 5000, "d_model: 9+… .* whole number"),
        ("d_model", "4", "d_model: 4 .* at least 8"),
        ("n_heads", "0", "n_heads: 0 .* at least 1"),
        ("n_kv_heads", "5", "n_kv_heads: 5 .* divide 32"),
        ("head_dim", "-1", "head_dim: -1 .* at least 0"),
        ("vocab", "12", "vocab: 12 .* at least 64"),
        ("seq_len", "long", "seq_len: long"),
        ("micro_batch", "0", "micro_batch: 0 .* at least 1"),
        ("micro_batch", "1.5", r"micro_batch: 1\.5"),
        ("grad_accum", "-1", "grad_accum: -1"),
        ("tp", "-2", "tp: -2 .* at least 1"),
        ("tp", "two", "tp: two"),
        ("zero_stage", "4", "zero_stage: 4 .* at most 3"),
        ("zero_stage", "three", "zero_stage: three"),
        ("precision", "fp7", "precision: fp7 .* bf16"),
        ("precision", "nvfp4", "precision: nvfp4 .* H100-80GB has a rate for"),
        ("act_ckpt", "some", "act_ckpt: some .* selective"),
        ("gpus_per_node", "0", "gpus_per_node: 0"),
    ],
)
def test_a_cell_that_no_run_can_have_is_named(column: str, cell: str, shown: str) -> None:
    with pytest.raises(InputError, match=shown):
        read(**{column: cell})


@pytest.mark.parametrize(
    ("column", "cell"), [("moe_top_k", "9"), ("n_dense_layers", "32"), ("n_experts", "-1")]
)
def test_experts_that_cannot_be_are_named(column: str, cell: str) -> None:
    with pytest.raises(InputError, match=column.removeprefix("moe_")):
        read_moe(**{column: cell})


def test_numbers_may_be_written_as_floats() -> None:
    run = read(n_gpus="64.0", d_model="4.096e3")
    assert (run.n_devices, run.shape.d_model) == (64, 4096)
