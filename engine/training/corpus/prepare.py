"""Prepare the text of a run before its ranks start.

Its command is ``python -m engine.training.corpus.prepare RUN_DIR``.

One process does it once; the ranks then find the token files ready.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from engine.documents import InputError, read_toml
from engine.files import read_json, write_json
from engine.recipes.pretrained import check_tokenizers
from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.training.corpus.build import OnProgress, PreparedCorpus, open_corpus, prepare_corpus


def prepared_corpus(run_dir: Path) -> PreparedCorpus:
    """What was prepared for a run: ranks open it and read no text of their own."""
    found = read_json(run_dir / "corpus.json")
    if found is None:
        raise FileNotFoundError(run_dir / "corpus.json")
    return open_corpus(Path(found["folder"]))


def unedited_recipe(run_dir: Path) -> Recipe:
    """The recipe that a run was created with.

    Raises
    ------
    InputError
        If somebody has edited it since: what was trained so far would not belong to it.
    """
    path = run_dir / "recipe.toml"
    created_with = (read_json(run_dir / "state.json") or {}).get("recipe_hash")
    if created_with not in (None, hashlib.sha256(path.read_bytes()).hexdigest()):
        raise InputError("recipe.toml", run_dir.name, "edited_recipe")
    return read_toml(path, Recipe)


def _progress_writer(path: Path) -> OnProgress:
    """Says how far it is, at most twice a second, to whoever watches the run."""
    written = 0.0

    def on_progress(stage: str, share: float) -> None:
        nonlocal written
        if share == 0 or time.monotonic() - written > 0.5:
            written = time.monotonic()
            write_json(path, {"stage": stage, "share": share})

    return on_progress


def main(run_dir: Path) -> int:
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
