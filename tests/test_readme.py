"""Commands, make targets and links in the README and in docs exist."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request

import pytest

from engine.paths import PROJECT_DIR
from tests.e2e.server import browser, settle

README = (PROJECT_DIR / "README.md").read_text("utf-8")
DOCUMENTS = {
    str(path.relative_to(PROJECT_DIR)): path.read_text("utf-8")
    for path in (
        PROJECT_DIR / "README.md",
        PROJECT_DIR / "CONTRIBUTING.md",
        *sorted((PROJECT_DIR / "docs").rglob("*.md")),
    )
}
COMMANDS = sorted(
    {
        line.split("  #")[0].split(" # ")[0].strip()
        for text in DOCUMENTS.values()
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.startswith(("make ", "python -m "))
    }
)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file(name: str) -> None:
    folder = (PROJECT_DIR / name).parent
    missing = [link for link in _LINK.findall(DOCUMENTS[name]) if not (folder / link).exists()]
    assert not missing


def test_the_start_is_two_commands() -> None:
    start = README.split("## Start", 1)[1].split("##", 1)[0]
    (block,) = re.findall(r"```bash\n(.*?)```", start, re.DOTALL)
    assert [line.split("#")[0].strip() for line in block.strip().splitlines()] == [
        "make run",
        "make test",
    ]


def test_every_make_verb_exists() -> None:
    verbs = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    verbs |= set(re.findall(r"`make ([a-z-]+)", "".join(DOCUMENTS.values())))
    assert {"run", "test", "calibrate", "lint", "screenshots"} <= verbs
    for verb in verbs:
        dry = subprocess.run(
            ["make", "--dry-run", verb], cwd=PROJECT_DIR, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert dry.returncode == 0, dry.stderr


@pytest.mark.parametrize(
    "command",
    [command for command in COMMANDS if command.startswith("python -m ")],
    ids=lambda command: command[:60],
)
def test_every_python_command_exists(command: str) -> None:
    module, *words = command.split("python -m ", 1)[1].split()
    names = []
    for word in words:
        if not re.fullmatch(r"[a-z-]+", word) or word.startswith("--"):
            break
        names.append(word)
    answer = subprocess.run(
        [sys.executable, "-m", module, *names, "--help"], cwd=PROJECT_DIR,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    for option in re.findall(r"--[a-z-]+", command):
        assert option in answer.stdout


@pytest.mark.browser
def test_make_run_serves_the_app() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        ["make", "run"], cwd=PROJECT_DIR, start_new_session=True,
        env=os.environ | {"STREAMLIT_SERVER_PORT": str(port)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                    break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.3)
        with browser() as chromium:  # the server answers before it has run a line of the app
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            settle(page)
            assert page.get_by_role("heading", level=1).inner_text()
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def test_the_app_is_kept_to_this_machine() -> None:
    config = tomllib.loads((PROJECT_DIR / ".streamlit" / "config.toml").read_text("utf-8"))
    assert (config["server"]["address"], config["server"]["port"]) == ("127.0.0.1", 8501)
    assert config["server"]["enableXsrfProtection"]
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "type"


def test_requirements_say_what_each_is_for() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT_DIR / name).read_text("utf-8").splitlines():
            if line and not line.startswith("#"):
                assert "# " in line, line


@pytest.mark.runs
def test_make_calibrate_prints_the_chain(home) -> None:
    answer = subprocess.run(
        ["make", "calibrate", "CALIBRATE_FLAGS=--minutes 0.2 --no-profile"], cwd=PROJECT_DIR,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    for word in ("Step time", "measured ÷ predicted", "Cost of one run", "Runway", "before"):
        assert word in answer.stdout
