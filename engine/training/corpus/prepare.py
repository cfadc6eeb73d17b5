"""Command that prepares the text of a run before its ranks start.

``python -m engine.training.corpus.prepare RUN_DIR`` is one process; the ranks then open the token
files.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from engine.documents import InputError
from engine.files import read_json, write_json
from engine.recipes.pretrained import check_tokenizers
from engine.recipes.recipe import Recipe, read_unedited_recipe
from engine.results import Failure
from engine.training.corpus.build import OnProgress, PreparedCorpus, open_corpus, prepare_corpus


def prepared_corpus(run_dir: Path) -> PreparedCorpus:
    """Open the corpus that was prepared for a run; its ranks read no text themselves.

    Raises
    ------
    FileNotFoundError
        If the run has no prepared corpus.
    """
    found = read_json(run_dir / "corpus.json")
    if found is None:
        raise FileNotFoundError(run_dir / "corpus.json")
    return open_corpus(Path(found["folder"]))


def unedited_recipe(run_dir: Path) -> Recipe:
    """Return the recipe with which a run was created.

    Raises
    ------
    InputError
        As :func:`engine.recipes.recipe.read_unedited_recipe` does.
    """
    created_with = (read_json(run_dir / "state.json") or {}).get("recipe_hash")
    return read_unedited_recipe(run_dir / "recipe.toml", created_with, run_dir.name)


def _progress_writer(path: Path) -> OnProgress:
    """Return a callback that writes the progress to ``path``, at most twice a second."""
    written = 0.0

    def on_progress(stage: str, share: float) -> None:
        nonlocal written
        if share == 0 or time.monotonic() - written > 0.5:
            written = time.monotonic()
            write_json(path, {"stage": stage, "share": share})

    return on_progress


def main(run_dir: Path) -> int:
    """Prepare the text of the run; return 0, or 2 if its input is not allowed."""
    try:
        recipe = unedited_recipe(run_dir)
        corpus = prepare_corpus(recipe, _progress_writer(run_dir / "preparing.json"))
        check_tokenizers(recipe, corpus.tokenizer_file)
    except InputError as error:
        write_json(run_dir / "failure.json", Failure.of_input(error).model_dump(mode="json"))
        print(error, file=sys.stderr)
        return 2
    write_json(run_dir / "corpus.json", {"folder": str(corpus.folder)})
    print(corpus.report.model_dump_json(indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
