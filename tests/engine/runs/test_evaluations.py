"""A run's exported models, asked in a process of their own: text, figures, pictures, archives."""

from __future__ import annotations

import io
import random
import shutil
import zipfile
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from engine.documents import InputError
from engine.files import write_json
from engine.runs.evaluations import EvaluationJob, evaluate, kept_evaluation
from engine.runs.exported_models import (
    FINAL,
    copy_export,
    export_folder,
    exports,
    size_bytes,
    trained_until,
    write_archive,
)
from engine.runs.folder import Phase, Run
from engine.runs.model_process import ModelProcess
from engine.sampling import Sampling
from engine.scores import QuestionSettings
from engine.training.corpus.build import prepare_corpus
from tests.engine.runs.faked import faked_run
from tests.engine.training.tiny_models import STORIES, export

pytestmark = pytest.mark.slow

CHECKPOINT = "step-00000001"


def with_models(run: Run, template: Path) -> Run:
    """The run with a checkpoint, and with a final model if it has succeeded."""
    if run.result is not None:
        shutil.copytree(template, run.model_dir)
    checkpoint = run.folder / "checkpoints" / CHECKPOINT
    shutil.copytree(template, checkpoint)
    write_json(checkpoint / "flopledger.json", {"step": 1, "tokens": 512, "held_out_loss": 5.9})
    return run


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export("llama", tmp_path_factory.mktemp("model"))


@pytest.fixture
def run(template: Path) -> Run:
    return with_models(faked_run([6.0, 5.5]), template)


def test_final_and_checkpoints_are_found(run: Run) -> None:
    assert exports(run) == [FINAL, CHECKPOINT]
    assert export_folder(run) == run.model_dir
    assert export_folder(run, CHECKPOINT) == run.folder / "checkpoints" / CHECKPOINT
    assert trained_until(run, CHECKPOINT) == (1, 512)
    assert trained_until(run, FINAL) == (2, run.recipe.tokens)


def test_a_run_that_failed_still_has_its_checkpoint(template: Path) -> None:
    run = with_models(faked_run([6.0, 5.5], phase=Phase.FAILED), template)
    assert exports(run) == [CHECKPOINT]
    with pytest.raises(InputError, match="must be a run that has succeeded"):
        export_folder(run)


def test_a_checkpoint_that_is_not_there(run: Run) -> None:
    with pytest.raises(InputError, match=f"checkpoint: .* one of {FINAL}, {CHECKPOINT}"):
        export_folder(run, "../../..")


def test_an_archive_holds_every_file(run: Run) -> None:
    target = io.BytesIO()
    write_archive(run.model_dir, "my-model", target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        names = {Path(name).relative_to("my-model").as_posix() for name in archive.namelist()}
        config = archive.read("my-model/config.json")
    assert names >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert config == (run.model_dir / "config.json").read_bytes()
    assert 0 < len(target.getvalue()) - size_bytes(run.model_dir) < 2_000


def test_what_only_training_needs_is_not_exported(run: Run, tmp_path: Path) -> None:
    folder = export_folder(run, CHECKPOINT)
    before = size_bytes(folder)
    (folder / "training").mkdir()
    (folder / "training" / "random_rank_00000.pt").write_bytes(bytes(1_000))
    assert size_bytes(folder) == before
    target = io.BytesIO()
    write_archive(folder, "my-model", target)
    copy = copy_export(run, CHECKPOINT, tmp_path / "copy")
    with zipfile.ZipFile(target) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert names == {path.name for path in copy.iterdir()}
    assert "training" not in names


@pytest.fixture
def with_text(run: Run) -> Run:
    """The run with token files of its own, as preparing leaves them."""
    texts = run.folder / "texts"
    texts.mkdir()
    rng = random.Random(1)
    sentences = [sentence + "." for story in STORIES for sentence in story.split(".")[:-1]]
    for number in range(10):
        # Words of its own in each: texts that are nearly the same are dropped.
        names = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(60)]
        story = " ".join(f"{rng.choice(sentences).strip()} It was {name}." for name in names)
        (texts / f"{number}.txt").write_text(story, "utf-8")
    changed = run.recipe.with_values(
        {"corpus.source": str(texts), "corpus.held_out_share": 0.4, "tokenizer_vocab": 300}
    )
    corpus = prepare_corpus(changed)
    write_json(run.folder / "corpus.json", {"folder": str(corpus.folder)})
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    for which in exports(run):
        tokenizer.save(str(export_folder(run, which) / "tokenizer.json"))
    return run


def test_one_process_answers_all_questions(with_text: Run) -> None:
    run, folder = with_text, with_text.model_dir
    sampling = Sampling(tokens=12, temperature=1.0)
    with ModelProcess() as process:
        written = "".join(process.generate(folder, "Every morning", sampling))
        assert written == "".join(process.generate(folder, "Every morning", sampling))
        assert written == "".join(
            process.generate(export_folder(run, CHECKPOINT), "Every morning", sampling)
        )

        with pytest.raises(InputError, match="at most 20000 characters"):
            next(process.generate(folder, "x" * 1_000_000, sampling))
        with pytest.raises(InputError, match=r"prompt: a is not allowed: .* two tokens"):
            process.inspect(folder, "a")
        seen = process.inspect(folder, "Every morning in spring")
        assert "".join(seen["tokens"]) == "Every morning in spring"
        shares = process.attention(folder, "Every morning in spring", 1)
        assert [len(shares), len(shares[0])] == [4, len(seen["tokens"])]
        with pytest.raises(InputError, match="layer: 9"):
            process.attention(folder, "Every morning", 9)

        # An answer that is not read to its end does not affect the next answer.
        next(process.generate(folder, "Every morning", sampling))
        assert written == "".join(process.generate(folder, "Every morning", sampling))

        reported: list[float] = []
        assert kept_evaluation(run) is None
        found = evaluate(
            process, run, settings=QuestionSettings(questions=5), on_progress=reported.append
        )
        assert kept_evaluation(run) == found
        assert kept_evaluation(run, CHECKPOINT) is None
        assert (found.which, found.step, found.asked.questions) == (FINAL, 2, 5)
        assert reported[-1] == 1.0
        assert len(reported) > 3

        process.close()
        with pytest.raises(RuntimeError, match="ended early"):
            next(process.generate(folder, "Every morning", sampling))


def test_a_job_keeps_what_it_finds_or_says_why_not(with_text: Run) -> None:
    job = EvaluationJob(with_text, [CHECKPOINT], QuestionSettings(questions=2))
    job.wait()
    assert job.error is None
    assert job.share == 1
    found = kept_evaluation(with_text, CHECKPOINT)
    assert found is not None
    assert (found.step, found.tokens) == (1, 512)

    failing = EvaluationJob(with_text, ["step-9"])
    failing.wait()
    assert isinstance(failing.error, InputError)


def test_an_evaluation_of_another_version_is_made_again(run: Run) -> None:
    write_json(run.folder / "evaluation-final.json", {"which": "final", "score": 1})
    assert kept_evaluation(run) is None
