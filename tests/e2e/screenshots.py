"""Take a screenshot of every page in both languages.

``python -m tests.e2e.screenshots FOLDER`` starts the app with the runs and scenarios of
``FLOPLEDGER_HOME`` and writes ``FOLDER/<page>-<language>.png``.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from engine.paths import home_dir
from engine.text import LANGUAGES
from pages.parts.page_list import PAGES
from tests.e2e.server import app_server, browser, settle

N_FREQUENT, N_SPREAD = 32, 64
"""Numbers of frequent and of other colours in a screenshot's palette."""
SCROLL_HEIGHT_PX = "document.querySelector('[data-testid=\"stMain\"]').scrollHeight"


def main() -> None:
    """Take the screenshots that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenario", default="laptop", help="id of the scenario that is open")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--width", type=int, default=1440, help="width of the window in pixels")
    parser.add_argument("--height", type=int, default=900, help="least height in pixels")
    parser.add_argument("--most", type=int, default=100_000, help="greatest height in pixels")
    parser.add_argument("--pages", nargs="+", default=[page.name for page in PAGES])
    parser.add_argument("--languages", nargs="+", choices=tuple(LANGUAGES), default=LANGUAGES)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    home = Path(os.environ.get("FLOPLEDGER_HOME") or home_dir())
    home.mkdir(parents=True, exist_ok=True)
    with app_server(home) as url, browser() as chromium:
        for language in chosen.languages:
            context = chromium.new_context(
                viewport={"width": chosen.width, "height": chosen.height},
                color_scheme=chosen.scheme,
            )
            window = context.new_page()
            for page in PAGES:
                if page.name in chosen.pages:
                    window.goto(f"{url}/{page.url_path}?s={chosen.scenario}&lang={language}")
                    png = full_height_screenshot(window, (chosen.height, chosen.most))
                    write_with_palette(png, chosen.folder / f"{page.name}-{language}.png")
            context.close()


def full_height_screenshot(window: Page, heights_px: Sequence[int]) -> bytes:
    """Return a PNG of the open page in a window as high as its content, within two bounds."""
    size = window.viewport_size
    assert size is not None
    settle(window)
    window.wait_for_timeout(1200)  # charts fade in
    least, most = heights_px
    height = min(max(least, int(window.evaluate(SCROLL_HEIGHT_PX))), most)
    window.set_viewport_size({"width": size["width"], "height": height})
    window.wait_for_timeout(600)
    png = window.screenshot()
    window.set_viewport_size(size)
    return png


def write_with_palette(png: bytes, path: Path) -> None:
    """Write a PNG with a palette, each pixel in the nearest colour.

    The palette has the most frequent colours as they are, so that backgrounds keep their tint,
    and colours spread over all that occur, so that small marks keep their hue.
    """
    with Image.open(io.BytesIO(png)) as image:
        opaque = image.convert("RGB")
    spread = opaque.quantize(N_SPREAD, Image.Quantize.MAXCOVERAGE).getpalette() or []
    codes = np.asarray(opaque).reshape(-1, 3) @ np.array([1 << 16, 1 << 8, 1])
    found, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    frequent = colors[np.argsort(-counts)[:N_FREQUENT]]
    palette = np.concatenate([frequent, np.reshape(spread, (-1, 3))[:N_SPREAD]])
    distances = ((colors[:, None] - palette[None]) ** 2).sum(axis=2)
    nearest = distances.argmin(axis=1).astype(np.uint8)
    indices = nearest[places.reshape(opaque.height, opaque.width)]
    written = Image.fromarray(indices, "P")
    written.putpalette(palette.astype(np.uint8).tobytes())
    written.save(path, optimize=True)


if __name__ == "__main__":
    main()
