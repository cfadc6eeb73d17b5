"""A screenshot of every page in both languages: ``python -m tests.e2e.screenshots FOLDER``.

Pages show what is in ``FLOPLEDGER_HOME`` (runs, scenarios), as the app itself would.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from engine.paths import home_dir
from tests.e2e.server import app_server, browser, settle

PAGES = (
    *("overview", "plan", "scaling", "hardware", "calibrate", "runs"),
    *("evidence", "model", "business", "runway", "funding"),
)
LANGUAGES = ("en", "zh_Hans")


def main(folder: Path, scenario: str = "laptop", scheme: str = "light") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(os.environ.get("FLOPLEDGER_HOME") or home_dir())
    home.mkdir(parents=True, exist_ok=True)
    with app_server(home) as url, browser() as chromium:
        for language in LANGUAGES:
            context = chromium.new_context(
                viewport={"width": 1440, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            for name in PAGES:
                path = "" if name == "overview" else name
                page.goto(f"{url}/{path}?s={scenario}&lang={language}")
                settle(page)
                page.wait_for_timeout(1200)  # charts fade in
                height = page.evaluate(
                    "document.querySelector('[data-testid=\"stMain\"]').scrollHeight"
                )
                page.set_viewport_size({"width": 1440, "height": max(900, int(height))})
                page.wait_for_timeout(600)
                page.screenshot(path=folder / f"{name}-{language}.png")
                page.set_viewport_size({"width": 1440, "height": 900})
            context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()), *sys.argv[2:])
