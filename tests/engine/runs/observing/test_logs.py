"""Logs are read from their ends."""

from pathlib import Path

import pytest

from engine.runs.observing.logs import LogReader, follow_log

GB = 10**9


def bytes_read_so_far() -> int:
    """Return the bytes that this process has read, from the disk or its cache, by the kernel."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


@pytest.mark.parametrize(("n", "shown"), [(1, "c\n"), (2, "b\nc\n"), (9, "a\nb\nc\n"), (0, "")])
def test_the_last_lines_then_what_comes(tmp_path: Path, n: int, shown: str) -> None:
    log = tmp_path / "log"
    assert LogReader(log, n).new() == ""
    log.write_text("a\nb\nc\n")
    reader = LogReader(log, n)
    assert reader.new() == shown
    assert reader.new() == ""
    with log.open("a") as file:
        file.write("d\ne")
    assert reader.new() == "d\ne"


def test_lines_over_many_blocks_are_the_ones_that_tail_prints(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [f"{number} {'x' * (number % 700)}\n" for number in range(5_000)]
    log.write_text("".join(lines))
    assert LogReader(log, 1_000).new() == "".join(lines[-1_000:])


def test_a_line_without_its_end_counts(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a\nb\nhalf")
    assert LogReader(tmp_path / "log", 2).new() == "b\nhalf"


def test_a_character_comes_whole(tmp_path: Path) -> None:
    log, character = tmp_path / "log", "算".encode()
    log.write_bytes(b"a\n" + character[:2])
    reader = LogReader(log, 5)
    assert reader.new() == "a\n"
    log.write_bytes(b"a\n" + character)
    assert reader.new() == "算"


def test_a_gigabyte_is_read_by_its_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(GB)  # nothing but zeros, and no line end among them
        file.seek(GB)
        file.write(b"\nlast but one\nlast\n")
    before = bytes_read_so_far()
    assert LogReader(log, 2).new() == "last but one\nlast\n"
    assert LogReader(log, 1_000).new().endswith("\0\nlast but one\nlast\n")
    assert bytes_read_so_far() - before < 2_000_000


def test_following_ends_with_the_run_and_misses_nothing(tmp_path: Path) -> None:
    path, printed = tmp_path / "log", ["training", "training", "succeeded"]
    path.write_text("long ago\nbefore\n")

    def is_over() -> bool:
        with path.open("a") as log:
            log.write(f"{printed.pop(0)}\n")
        return not printed

    followed = "".join(follow_log(path, 2, is_over))
    assert followed == "before\ntraining\ntraining\nsucceeded\n"
    assert not printed
