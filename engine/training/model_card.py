"""The model card of an export: what it is, from which data, with what measured figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.recipes.recipe import Recipe
from engine.results import CorpusReport
from engine.text import catalog


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Where in a run a model was taken from."""

    step: int
    held_out_loss: float | None
    """None where it was not measured: at a checkpoint by the clock, or at a stop."""

    def tokens(self, recipe: Recipe) -> int:
        return self.step * recipe.tokens_per_step


def model_card(
    recipe: Recipe, corpus: CorpusReport, progress: TrainingProgress, device: str
) -> str:
    """The text of ``README.md``, with the front matter that the Hub reads."""
    say = catalog("en")
    shape = recipe.shape
    kind = recipe.model_class
    parameters = f"{shape.count_parameters().total:,}"
    task = "fill-mask" if kind == "bert" else "text-generation"
    is_last = progress.step == recipe.steps

    about = [
        say("card.from_weights", kind=kind, parameters=parameters, start=recipe.init_from)
        if recipe.init_from
        else say("card.from_random", kind=kind, parameters=parameters)
    ]
    if not is_last:
        about.append(say("card.on_the_way", step=progress.step, steps=recipe.steps))
    if recipe.distillation:
        about.append(say("card.distilled", **recipe.distillation.model_dump()))
    if recipe.pruning:
        about.append(say("card.pruned", share=f"{recipe.pruning.share:.0%}"))

    data = [
        say(
            "card.data_line",
            source=corpus.source,
            version=corpus.source_version,
            documents=corpus.n_documents,
            held_out=corpus.n_held_out_documents,
            tokens=f"{corpus.n_train_tokens:,}",
            vocab=f"{corpus.vocab:,}",
        )
    ]
    if kind == "bert":
        data.append(say("card.masked_line", share=f"{recipe.masked_share:.0%}"))
    figures = {
        say("card.steps"): f"{progress.step:,}",
        say("card.tokens"): f"{progress.tokens(recipe):,}",
    }
    loss = progress.held_out_loss
    if loss is None:
        figures[say("card.held_out_loss")] = say("card.not_measured")
    else:
        scope = say("card.of_all") if is_last else say("card.of_some", n=recipe.eval_sequences)
        figures[f"{say('card.held_out_loss')} ({scope})"] = f"{loss:.4f}"
        figures[say("card.perplexity")] = f"{math.exp(loss):.2f}"
        if kind != "bert":
            figures[say("card.bits_per_byte")] = f"{corpus.bits_per_byte(loss):.3f}"
            figures[say("card.lzma")] = f"{corpus.held_out_lzma_bits_per_byte:.3f}"

    architecture = say(
        "card.architecture_line",
        seq_len=shape.seq_len_tokens,
        **shape.model_dump(include={"n_layers", "d_model", "n_heads", "n_kv_heads", "vocab"}),
    )
    made_by = say(
        "card.made_by_line",
        ranks=recipe.n_ranks,
        device=device,
        stage=recipe.layout.zero_stage,
        precision=recipe.layout.precision,
    )
    rows = [f"| {say('card.figure')} | {say('card.value')} |", "|---|---|"]
    rows += [f"| {name} | {value} |" for name, value in figures.items()]
    parts = [
        f"---\nlibrary_name: transformers\npipeline_tag: {task}\ntags: [flopledger]\n---",
        f"# {recipe.name}",
        " ".join(about),
        f"## {say('card.architecture')}\n\n{architecture}",
        f"## {say('card.data')}\n\n{' '.join(data)}",
        f"## {say('card.figures')}\n\n" + "\n".join(rows),
        f"## {say('card.made_by')}\n\n{made_by}\n\n```toml\n{recipe.to_toml().strip()}\n```",
        f"## {say('card.limits')}\n\n{say('card.limits_line')}",
    ]
    return "\n\n".join(parts) + "\n"
