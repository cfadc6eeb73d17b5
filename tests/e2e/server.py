"""A real server of the app and a real browser, for end-to-end tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PROJECT_DIR = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


@contextmanager
def app_server(home: Path, **variables: str) -> Iterator[str]:
    """Run the app in a process with its data in ``home``, and yield its address."""
    process, url = start_app(home, **variables)
    try:
        yield url
    finally:
        process.kill()
        process.wait()


def start_app(home: Path, **variables: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app with its data in ``home``; return its process and its address.

    ``variables`` are further environment variables of the server.
    """
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=PROJECT_DIR,
        env=os.environ | {"FLOPLEDGER_HOME": str(home)} | variables,
        stdout=(home / "server.log").open("ab"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return process, url
        except OSError:
            time.sleep(0.2)
    process.kill()
    raise RuntimeError((home / "server.log").read_text("utf-8"))


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Debian\'s Chromium, and close it at the end."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn the page and its script has ended."""
    page.wait_for_selector('[data-testid="stApp"]')
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid="stApp"]');
            return app.getAttribute('data-test-script-state') === 'notRunning'
                && document.querySelector('h1') !== null
                && document.querySelector('[data-testid="stSkeleton"]') === null;
        }""",
        timeout=60_000,
    )
    page.wait_for_timeout(400)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
