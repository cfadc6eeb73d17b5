"""Model card of an export: its architecture, data and measured figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.recipes.recipe import Recipe
from engine.results import CorpusReport
from engine.text import catalog


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Point in a run at which a model was exported."""

    step: int
    """Number of steps done."""
    held_out_loss: float | None
    """Nats per token; None if not measured, at a checkpoint by the clock or at a stop."""

    def tokens(self, recipe: Recipe) -> int:
        """Return the number of tokens that the model was trained on."""
        return self.step * recipe.tokens_per_step


def model_card(
    recipe: Recipe, corpus: CorpusReport, progress: TrainingProgress, device: str
) -> str:
    """Return the text of ``README.md``, with the front matter that the Hugging Face Hub reads."""
    text = catalog("en")
    shape = recipe.shape
    kind = recipe.model_class
    parameters = f"{shape.count_parameters().total:,}"
    task = "fill-mask" if kind == "bert" else "text-generation"
    is_last = progress.step == recipe.steps

    about = [
        text("card.from_weights", kind=kind, parameters=parameters, start=recipe.init_from)
        if recipe.init_from
        else text("card.from_random", kind=kind, parameters=parameters)
    ]
    if not is_last:
        about.append(text("card.on_the_way", step=progress.step, steps=recipe.steps))
    if recipe.distillation:
        about.append(text("card.distilled", **recipe.distillation.model_dump()))
    if recipe.pruning:
        about.append(text("card.pruned", share=f"{recipe.pruning.share:.0%}"))

    data = [
        text(
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
        data.append(text("card.masked_line", share=f"{recipe.masked_share:.0%}"))
    figures = {
        text("card.steps"): f"{progress.step:,}",
        text("card.tokens"): f"{progress.tokens(recipe):,}",
    }
    loss = progress.held_out_loss
    if loss is None:
        figures[text("card.held_out_loss")] = text("card.not_measured")
    else:
        scope = text("card.of_all") if is_last else text("card.of_some", n=recipe.eval_sequences)
        figures[f"{text('card.held_out_loss')} ({scope})"] = f"{loss:.4f}"
        figures[text("card.perplexity")] = f"{math.exp(loss):.2f}"
        if kind != "bert":
            figures[text("card.bits_per_byte")] = f"{corpus.bits_per_byte(loss):.3f}"
            figures[text("card.lzma")] = f"{corpus.held_out_lzma_bits_per_byte:.3f}"

    architecture = text(
        "card.architecture_line",
        seq_len=shape.seq_len_tokens,
        **shape.model_dump(include={"n_layers", "d_model", "n_heads", "n_kv_heads", "vocab"}),
    )
    made_by = text(
        "card.made_by_line",
        ranks=recipe.n_ranks,
        device=device,
        stage=recipe.layout.zero_stage,
        precision=recipe.layout.precision,
    )
    rows = [f"| {text('card.figure')} | {text('card.value')} |", "|---|---|"]
    rows += [f"| {name} | {value} |" for name, value in figures.items()]
    parts = [
        f"---\nlibrary_name: transformers\npipeline_tag: {task}\ntags: [flopledger]\n---",
        f"# {recipe.name}",
        " ".join(about),
        f"## {text('card.architecture')}\n\n{architecture}",
        f"## {text('card.data')}\n\n{' '.join(data)}",
        f"## {text('card.figures')}\n\n" + "\n".join(rows),
        f"## {text('card.made_by')}\n\n{made_by}\n\n```toml\n{recipe.to_toml().strip()}\n```",
        f"## {text('card.limits')}\n\n{text('card.limits_line')}",
    ]
    return "\n\n".join(parts) + "\n"
