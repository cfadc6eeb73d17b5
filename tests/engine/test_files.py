"""Files that are read while they are written."""

from pathlib import Path

from engine.files import JsonLines, append_json_line, read_json, write_json


def test_lines_are_read_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path)
    assert list(lines.new()) == []
    append_json_line(path, {"step": 1})
    with path.open("ab") as file:
        file.write(b'{"step": 2')
        file.flush()
        assert list(lines.new()) == [{"step": 1}]
        file.write(b"}\n")
    assert list(lines.new()) == [{"step": 2}]
    assert list(lines.new()) == []


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "state.json"
    path.parent.mkdir()
    assert read_json(path) is None
    write_json(path, {"phase": "训练"})
    write_json(path, {"phase": "done"})
    assert read_json(path) == {"phase": "done"}
    assert [one.name for one in path.parent.iterdir()] == ["state.json"]
