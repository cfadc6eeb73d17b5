"""Packages of the Open Cap Table Format as files, and which securities are open on a day."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from engine.documents import Document, InputError
from finance.capital.ocf.objects import OcfStockClass, Transaction

MANIFEST = "Manifest.ocf.json"
MAX_PACKAGE_BYTES = 50_000_000

_Object = TypeVar("_Object", bound=Document)


@dataclass(frozen=True, slots=True)
class Package:
    """A manifest, and the objects of the files that it names, as JSON."""

    manifest: dict[str, Any]
    objects: tuple[dict[str, Any], ...]

    def read(self, kind: type[_Object], object_type: str) -> list[_Object]:
        """All objects of one type; InputError names the first field that is not allowed."""
        return [
            kind.parse(one, f"{object_type} {one.get('id', '')}".strip())
            for one in self.objects
            if one.get("object_type") == object_type
        ]

    def transactions(self, until: datetime.date) -> list[Transaction]:
        """All transactions up to the end of a day, in the order of the files."""
        found = [
            Transaction.parse(one, str(one.get("id", "")))
            for one in self.objects
            if str(one.get("object_type", "")).startswith("TX_")
        ]
        return [one for one in found if one.date <= until]


def read_package(path: Path) -> Package:
    """Read a folder, or a zip, with a ``Manifest.ocf.json``.

    Raises
    ------
    InputError
        If there is no manifest, a file that it names is missing or lies outside, is too large,
        or is not JSON.
    """
    files = _ZipFiles(path) if path.is_file() else _FolderFiles(path)
    manifest = files.document(MANIFEST)
    objects: list[dict[str, Any]] = []
    for name, entries in sorted(manifest.items()):
        if name.endswith("_files") and isinstance(entries, list):
            for entry in entries:
                objects += files.document(str(entry.get("filepath"))).get("items", [])
    return Package(manifest, tuple(objects))


class _FolderFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def document(self, name: str) -> dict[str, Any]:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise InputError("file", name, "file_missing")
        if path.stat().st_size > MAX_PACKAGE_BYTES:
            raise InputError(
                name, f"{path.stat().st_size} bytes", "too_large", limit=MAX_PACKAGE_BYTES
            )
        return _json(name, path.read_bytes())


class _ZipFiles:
    def __init__(self, path: Path) -> None:
        if not zipfile.is_zipfile(path):
            raise InputError("file", path.name, "ocf_package")
        self._zip = zipfile.ZipFile(path)
        found = [one for one in self._zip.namelist() if PurePosixPath(one).name == MANIFEST]
        self._root = PurePosixPath(found[0]).parent if found else PurePosixPath()

    def document(self, name: str) -> dict[str, Any]:
        inside = str(self._root / PurePosixPath(name))
        if inside not in self._zip.namelist():
            raise InputError("file", name, "file_missing")
        size = self._zip.getinfo(inside).file_size
        if size > MAX_PACKAGE_BYTES:
            raise InputError(name, f"{size} bytes", "too_large", limit=MAX_PACKAGE_BYTES)
        return _json(name, self._zip.read(inside))


def _json(name: str, raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError(name, raw[:40].decode("utf-8", "replace"), "not_json") from None
    if not isinstance(document, dict):
        raise InputError(name, type(document).__name__, "ocf_package")
    return document


@dataclass(slots=True)
class OpenSecurity:
    """An issuance, and what is left of it."""

    issuance: Transaction
    left: Fraction
    exercised: Fraction = Fraction(0)


_ENDING = ("CANCELLATION", "RETRACTION", "TRANSFER", "REPURCHASE", "CONVERSION", "REISSUANCE",
           "EXERCISE", "RELEASE")  # fmt: skip


def open_securities(transactions: Sequence[Transaction]) -> dict[str, OpenSecurity]:
    """What is left of every security after ``transactions``, by its id; none that has ended.

    A transaction that names a balance security ends the old one whole: what is left of it has
    an issuance of its own. Without one, its quantity comes off. A split multiplies what was
    issued before its day; those issued on the day are counted after it.
    """
    splits = [one for one in transactions if one.split_ratio is not None]
    found = {
        one.security_id: OpenSecurity(one, _grown(one.quantity or Fraction(0), one, one, splits))
        for one in transactions
        if one.object_type.endswith("_ISSUANCE")
    }
    ended = set()
    for one in transactions:
        how = one.object_type.rsplit("_", 1)[-1]
        security = found.get(one.security_id)
        if how not in _ENDING or security is None:
            continue
        quantity = one.quantity or one.quantity_converted
        if quantity is None or one.balance_security_id:
            ended.add(one.security_id)
            continue
        quantity = _grown(quantity, one, security.issuance, splits)
        if quantity > security.left:
            raise InputError(
                f"{one.security_id}.quantity", f"{float(quantity):,}", "less_than_equal",
                limit=f"{float(security.left):,}",
            )  # fmt: skip
        security.left -= quantity
        if how == "EXERCISE":
            security.exercised += quantity
    return {
        name: one
        for name, one in found.items()
        if name not in ended and (one.left > 0 or one.issuance.quantity is None)
    }


def _grown(
    quantity: Fraction, at: Transaction, issuance: Transaction, splits: Iterable[Transaction]
) -> Fraction:
    """A quantity of a transaction's day, by the splits of the security's class after it."""
    for split in splits:
        if split.stock_class_id == issuance.stock_class_id and split.date > at.date:
            assert split.split_ratio is not None
            quantity *= split.split_ratio.value
    return quantity


def stock_outstanding(path: Path, day: datetime.date) -> dict[str, Fraction]:
    """Shares outstanding at the end of a day by the id of their class, those without any too."""
    package = read_package(path)
    outstanding = {one.id: Fraction(0) for one in package.read(OcfStockClass, "STOCK_CLASS")}
    for security in open_securities(package.transactions(day)).values():
        if security.issuance.object_type == "TX_STOCK_ISSUANCE":
            name = security.issuance.stock_class_id
            outstanding[name] = outstanding.get(name, Fraction(0)) + security.left
    return outstanding
