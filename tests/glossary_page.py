"""Write docs/glossary.md from data/glossary.toml: ``python -m tests.glossary_page``."""

from __future__ import annotations

import tomllib
from itertools import groupby
from typing import Any

from engine.paths import PROJECT_DIR

GLOSSARY_FILE = PROJECT_DIR / "data" / "glossary.toml"
PAGE_FILE = PROJECT_DIR / "docs" / "glossary.md"
CHAPTERS = {
    "plan": "Plan · 方案",
    "hardware": "Hardware · 硬件",
    "layout": "Layout · 布局",
    "forecast": "Forecast · 预测",
    "calibration": "Calibration · 校准",
    "runs": "Runs · 训练任务",
    "model": "Model · 模型",
    "serving": "Serving · 推理服务",
    "business": "Business · 业务",
    "runway": "Runway · 现金跑道",
    "funding": "Funding · 融资",
    "exit": "Exit · 退出",
}
INTRODUCTION = """\
# Glossary · 术语表

The app, the command line and these documents use the words below, in English and in Chinese.
The terms are in the order in which a user meets them. Change them in
[data/glossary.toml](../data/glossary.toml); `python -m tests.glossary_page` writes this page.

应用、命令行与文档统一使用以下术语，按使用时出现的先后排列。
本页由 data/glossary.toml 生成，请在该文件中修改。
"""


def read_terms() -> list[dict[str, Any]]:
    """The terms of data/glossary.toml, in the order of the file."""
    terms: list[dict[str, Any]] = tomllib.loads(GLOSSARY_FILE.read_text("utf-8"))["term"]
    return terms


def build_page() -> str:
    """The text of docs/glossary.md."""
    parts = [INTRODUCTION]
    for chapter, terms in groupby(read_terms(), key=lambda term: term["chapter"]):
        parts.append(f"\n## {CHAPTERS[chapter]}\n")
        parts.append("\n| English | 中文 | Meaning | Unit | Formula | Source |\n")
        parts.append("|---|---|---|---|---|---|\n")
        parts.extend(_row(term) for term in terms)
    return "".join(parts)


def _row(term: dict[str, Any]) -> str:
    cells = [
        f"**{term['en']}**",
        term["zh_Hans"],
        f"{term['meaning_en']}<br>{term['meaning_zh_Hans']}",
        *(term.get(name, "") for name in ("unit", "formula", "source")),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    PAGE_FILE.write_text(build_page(), "utf-8")
