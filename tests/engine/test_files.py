"""Files can be read while they are written."""

from pathlib import Path

import pytest

from engine.files import (
    JsonLines,
    append_json_line,
    cut_json_lines,
    read_json,
    replace_folder,
    write_json,
)


def test_lines_are_read_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path)
    assert lines.new() == (False, [])
    append_json_line(path, {"step": 1})
    with path.open("ab") as file:
        file.write(b'{"step": 2')
        file.flush()
        assert lines.new() == (False, [{"step": 1}])
        file.write(b"}\n")
    assert lines.new() == (False, [{"step": 2}])
    assert lines.new() == (False, [])


def test_a_file_that_was_cut_back_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path)
    for step in (1, 2, 3):
        append_json_line(path, {"step": step, "loss": 6.0})
    with path.open("ab") as file:
        file.write(b'{"step": 4, "lo')  # a process was killed while it wrote
    assert [line["step"] for line in lines.new().lines] == [1, 2, 3]
    kept = cut_json_lines(path, lambda line: line["step"] <= 2)
    assert [line["step"] for line in kept] == [1, 2]
    assert lines.new() == (True, kept)
    for step in (3, 4, 5):  # longer than the part that was read
        append_json_line(path, {"step": step, "loss": 5.0})
    assert [line["step"] for line in lines.new().lines] == [3, 4, 5]
    cut_json_lines(path, lambda line: line["step"] <= 2)
    for _ in range(3):
        append_json_line(path, {"step": 3, "loss": 4.0})
    restarted, found = lines.new()
    assert restarted
    assert [line["loss"] for line in found] == [6.0, 6.0, 4.0, 4.0, 4.0]


def test_no_room_for_a_line_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        append_json_line(Path("/dev/full"), {"step": 1})


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    for content in ("old", "new"):
        part = run_dir / ".part"
        part.mkdir(parents=True)
        (part / content).touch()
        replace_folder(part, run_dir / "model")
    assert [path.name for path in run_dir.rglob("*")] == ["model", "new"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "state.json"
    path.parent.mkdir()
    assert read_json(path) is None
    write_json(path, {"phase": "训练"})
    write_json(path, {"phase": "done"})
    assert read_json(path) == {"phase": "done"}
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]
