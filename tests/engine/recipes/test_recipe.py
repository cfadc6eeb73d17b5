"""Recipes, and sample runs of plans."""

from typing import get_args

import pytest

from engine.documents import InputError, read_toml
from engine.facts import accelerator
from engine.machine import Machine
from engine.paths import DATA_DIR
from engine.recipes.recipe import ModelClass, Recipe
from engine.recipes.sample_run import MIN_STEPS, run_plan, sample_recipe
from finance.company.scenario import Scenario
from tests.engine.shapes import family_in_recipe
from tests.engine.test_forecast import calibration_for

TWO_CORES = Machine(accelerator("CPU-core"), 2, 24e9)
ONE_NODE = Machine(accelerator("H100-80GB"), 8, 640e9)
MOE = {"n_experts": 4, "top_k": 2, "d_ff": 64}
BERT = {"shape.family": "bert", "shape.n_kv_heads": 2}


@pytest.fixture
def smoke() -> Recipe:
    return read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)


def test_counts(smoke: Recipe) -> None:
    assert smoke.tokens_per_step == 2 * 4 * 64
    assert smoke.tokens == smoke.steps * 512


def test_learning_rate_warms_up_and_decays(smoke: Recipe) -> None:
    recipe = smoke.with_values({"steps": 100, "warmup_share": 0.1})
    assert recipe.learning_rate_share(0) == pytest.approx(0.1)
    assert recipe.learning_rate_share(9) == pytest.approx(1)
    assert recipe.learning_rate_share(55) == pytest.approx((1 + 0.1) / 2)  # half the cosine
    assert recipe.learning_rate_share(99) < 0.11


def test_warm_up_stable_decay(smoke: Recipe) -> None:
    recipe = smoke.with_values({"steps": 100, "warmup_share": 0.1, "schedule": "wsd"})
    assert recipe.learning_rate_share(4) == pytest.approx(0.5)
    assert {recipe.learning_rate_share(step) for step in range(9, 81)} == {1}
    assert recipe.learning_rate_share(90) == pytest.approx((1 + 0.1) / 2)  # half the decay
    assert recipe.learning_rate_share(99) == pytest.approx(0.1 + 0.9 / 20)


@pytest.mark.parametrize("name", get_args(ModelClass))
def test_each_family_has_its_class(smoke: Recipe, name: ModelClass) -> None:
    assert smoke.with_values(family_in_recipe(name)).model_class == name


def test_bert_has_a_mask_token(smoke: Recipe) -> None:
    bert = smoke.with_values(BERT)
    assert bert.model_class == "bert"
    assert (bert.text_vocab, smoke.text_vocab) == (511, 512)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"peak_learning_rate": float("nan")}, "peak_learning_rate"),
        ({"steps": 0}, "steps"),
        ({"shape.vocab": 200}, "shape.vocab"),
        ({"tokenizer_vocab": 1024}, "tokenizer_vocab"),
        ({"shape.family": "gpt2", "shape.n_kv_heads": 2, "shape.head_dim": 16}, "shape.head_dim"),
        ({"shape.family": "gpt2", "shape.n_kv_heads": 1}, "shape.n_kv_heads"),
        ({"shape.n_heads": 3, "shape.n_kv_heads": 2}, "shape.n_kv_heads"),
        ({"corpus.held_out_share": 0.95}, "corpus.held_out_share"),
        ({"layout.zero_stage": 5}, "layout.zero_stage"),
        ({"layout.precision": "fp8"}, "layout.precision"),
        ({"layout.tensor_parallel": 2}, "layout"),
        ({"layout.pipeline_parallel": 2}, "layout"),
        ({"layout.shard_group": 2}, "layout.shard_group"),
        ({"shape.ffn": "plain"}, "shape"),
        ({"shape.biases": "qkv"}, "shape"),
        ({"shape.moe": MOE | {"n_shared_experts": 1}}, "shape"),
        ({"shape.moe": MOE | {"n_dense_layers": 1}}, "shape"),
        ({"shape.moe": MOE | {"top_k": 5}}, "shape.moe.top_k"),
        ({"shape.moe": MOE, "shape.family": "gpt2", "shape.n_kv_heads": 2}, "shape"),
        (BERT | {"shape.tied_embeddings": False}, "shape.tied_embeddings"),
        (BERT | {"tokenizer_vocab": 512}, "tokenizer_vocab"),  # the mask needs a row
        (BERT | {"shape.vocab": 257}, "shape.vocab"),
        (BERT | {"masked_share": 1}, "masked_share"),
        (BERT | {"distillation": {"teacher": "x"}}, "distillation"),
        ({"layout.offload": "optimizer", "layout.zero_stage": 0}, "layout.zero_stage"),
        ({"pruning": {"share": 0.5}, "layout.zero_stage": 3}, "layout.zero_stage"),
        ({"pruning": {"share": 1.0}}, "pruning.share"),
        ({"trackers": ["aim"]}, "trackers.0"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    smoke: Recipe, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as refused:
        smoke.with_values(changes)
    assert refused.value.field == field


def test_the_laptop_plan_is_its_own_sample(laptop: Scenario) -> None:
    recipe = sample_recipe(laptop.plan, TWO_CORES, "laptop", budget_s=600)
    assert recipe.shape == laptop.plan.shape
    assert recipe.layout == laptop.plan.layout
    assert recipe.tokens == laptop.plan.tokens
    assert recipe.n_ranks == 2


def test_a_short_time_gets_fewer_steps(laptop: Scenario) -> None:
    recipe = sample_recipe(laptop.plan, TWO_CORES, "laptop", budget_s=30)
    assert recipe.shape == laptop.plan.shape
    assert MIN_STEPS <= recipe.steps < 300


def test_a_large_plan_gets_a_smaller_model_here(startup: Scenario) -> None:
    recipe = sample_recipe(startup.plan, TWO_CORES, "startup", budget_s=300)
    assert recipe.shape.count_parameters().total < 30e6
    assert recipe.layout.precision == "fp32"
    assert recipe.shape.n_heads % recipe.shape.n_kv_heads == 0
    assert recipe.steps >= MIN_STEPS


def test_a_large_plan_is_sampled_as_it_is_where_it_can(startup: Scenario) -> None:
    recipe = sample_recipe(startup.plan, ONE_NODE, "startup", budget_s=300)
    assert recipe.shape == startup.plan.shape
    assert recipe.n_ranks == 8
    assert recipe.layout.precision == "bf16"
    assert recipe.text_vocab == 16_384  # the corpus is too small for all 128,256


def test_memory_that_is_not_there_gets_a_smaller_model(laptop: Scenario) -> None:
    cramped = Machine(TWO_CORES.device, 2, 1.5e9)  # the laptop model takes 2 × 0.78 GB
    recipe = sample_recipe(laptop.plan, cramped, "laptop", budget_s=600)
    assert recipe.shape.count_parameters().total < 1e6


def test_splits_are_left_to_the_forecast(startup: Scenario) -> None:
    """Training here is data parallel in at least 16 bits, and so is the sample."""
    plan = startup.plan.with_values(
        {
            "shape.moe": {"n_experts": 8, "top_k": 2, "d_ff": 2048, "n_shared_experts": 1},
            "layout.tensor_parallel": 4,
            "layout.pipeline_parallel": 2,
            "layout.expert_parallel": 2,
            "layout.precision": "fp8",
            "layout.activation_checkpointing": "selective",
        }
    )
    recipe = sample_recipe(plan, ONE_NODE, "experts", budget_s=300)
    assert recipe.model_class == "mixtral"
    assert recipe.layout.is_data_parallel_only
    assert recipe.layout.precision == "bf16"
    assert recipe.layout.activation_checkpointing == "none"
    assert recipe.n_ranks == 8


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"shape.family": "gpt2", "shape.n_kv_heads": 4}, "gpt2"),
        ({"shape.family": "bert", "shape.n_kv_heads": 4}, "bert"),
        ({"shape.moe": {"n_experts": 64, "top_k": 6, "d_ff": 512}}, "mixtral"),
    ],
)
def test_a_sample_is_of_the_plans_family(
    startup: Scenario, laptop: Scenario, changes: dict[str, object], kind: str
) -> None:
    small = sample_recipe(
        laptop.plan.with_values(changes | {"shape.n_heads": 4}), TWO_CORES, "x", budget_s=600
    )
    assert small.model_class == kind
    heads = startup.plan.shape.n_heads
    wide = {**changes, **({"shape.n_kv_heads": heads} if "shape.family" in changes else {})}
    elsewhere = sample_recipe(startup.plan.with_values(wide), TWO_CORES, "x", budget_s=300)
    assert elsewhere.model_class == kind
    assert elsewhere.shape.count_parameters().active < 30e6


def test_a_run_is_forecast_for_what_runs_it(laptop: Scenario) -> None:
    recipe = sample_recipe(laptop.plan, TWO_CORES, "laptop", budget_s=600)
    assert run_plan(recipe, laptop.plan, TWO_CORES).software == "Flopledger"
    assert run_plan(recipe, None, TWO_CORES).software == "Flopledger"


def test_a_run_is_priced_as_the_plan_where_it_runs_on_the_same(laptop: Scenario) -> None:
    plan = laptop.plan.with_value("cluster.price_usd_per_device_hour", "0.07")
    calibrated = plan.model_copy(update={"calibration": calibration_for(plan)})
    recipe = sample_recipe(calibrated, TWO_CORES, "laptop", budget_s=600)
    run = run_plan(recipe, calibrated, TWO_CORES)
    assert str(run.cluster.price_usd_per_device_hour) == "0.07"
    assert run.calibration == calibrated.calibration


def test_more_ranks_than_devices_are_refused(smoke: Recipe) -> None:
    with pytest.raises(InputError, match=r"n_ranks: 3 .* at most 2"):
        run_plan(smoke.with_value("n_ranks", 3), None, TWO_CORES)


def test_a_run_that_cannot_fit_is_refused_before_it_starts(smoke: Recipe) -> None:
    huge = smoke.with_values({"shape.d_model": 16_384, "shape.n_layers": 100})
    with pytest.raises(InputError, match=r"memory: \d+\.\d GB .* at most 24\.0 GB"):
        run_plan(huge, None, TWO_CORES)


def test_a_precision_that_the_machine_lacks_is_one_line(smoke: Recipe) -> None:
    with pytest.raises(InputError, match=r"layout\.precision: bf16"):
        run_plan(smoke.with_value("layout.precision", "bf16"), None, TWO_CORES)


def test_a_plan_that_cannot_be_sampled_is_one_line(laptop: Scenario) -> None:
    with pytest.raises(InputError, match=r"shape\.vocab"):
        sample_recipe(laptop.plan.with_value("shape.vocab", 128), TWO_CORES, "x", budget_s=60)
