"""Files of Open Cap Table packages, and the securities that are open on a day."""

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
    """A manifest and the objects of the files that it names, as JSON."""

    manifest: dict[str, Any]
    objects: tuple[dict[str, Any], ...]

    def read(self, kind: type[_Object], object_type: str) -> list[_Object]:
        """Read all objects of one type; InputError names the first field that is not allowed."""
        return [
            kind.parse(item, f"{object_type} {item.get('id', '')}".strip())
            for item in self.objects
            if item.get("object_type") == object_type
        ]

    def transactions(self, until: datetime.date) -> list[Transaction]:
        """Read all transactions up to the end of a day, in the order of the files."""
        found = [
            Transaction.parse(item, str(item.get("id", "")))
            for item in self.objects
            if str(item.get("object_type", "")).startswith("TX_")
        ]
        return [transaction for transaction in found if transaction.date <= until]


def read_package(path: Path) -> Package:
    """Read a folder or a zip file that holds a ``Manifest.ocf.json``.

    Raises
    ------
    InputError
        If there is no manifest, or if a file that it names is missing, outside the folder, too
        large or not JSON.
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
        found = [name for name in self._zip.namelist() if PurePosixPath(name).name == MANIFEST]
        self._root = PurePosixPath(found[0]).parent if found else PurePosixPath()

    def document(self, name: str) -> dict[str, Any]:
        member = str(self._root / PurePosixPath(name))
        if member not in self._zip.namelist():
            raise InputError("file", name, "file_missing")
        size = self._zip.getinfo(member).file_size
        if size > MAX_PACKAGE_BYTES:
            raise InputError(name, f"{size} bytes", "too_large", limit=MAX_PACKAGE_BYTES)
        return _json(name, self._zip.read(member))


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
    """An issuance, with the quantity left of it and the quantity exercised."""

    issuance: Transaction
    left: Fraction
    exercised: Fraction = Fraction(0)


_ENDING = ("CANCELLATION", "RETRACTION", "TRANSFER", "REPURCHASE", "CONVERSION", "REISSUANCE",
           "EXERCISE", "RELEASE")  # fmt: skip


def open_securities(transactions: Sequence[Transaction]) -> dict[str, OpenSecurity]:
    """Return the securities that are open after ``transactions``, by their ids.

    A transaction that names a balance security ends the old security; the balance has an
    issuance of its own. Without a balance security, the quantity of the transaction is
    subtracted. A split multiplies the quantities issued before its day; securities issued on
    that day are counted after the split.
    """
    splits = [transaction for transaction in transactions if transaction.split_ratio is not None]
    found = {
        issued.security_id: OpenSecurity(
            issued, _after_splits(issued.quantity or Fraction(0), issued, issued, splits)
        )
        for issued in transactions
        if issued.object_type.endswith("_ISSUANCE")
    }
    ended = set()
    for transaction in transactions:
        kind = transaction.object_type.rsplit("_", 1)[-1]
        security = found.get(transaction.security_id)
        if kind not in _ENDING or security is None:
            continue
        quantity = transaction.quantity or transaction.quantity_converted
        if quantity is None or transaction.balance_security_id:
            ended.add(transaction.security_id)
            continue
        quantity = _after_splits(quantity, transaction, security.issuance, splits)
        if quantity > security.left:
            raise InputError(
                f"{transaction.security_id}.quantity", f"{float(quantity):,}", "less_than_equal",
                limit=f"{float(security.left):,}",
            )  # fmt: skip
        security.left -= quantity
        if kind == "EXERCISE":
            security.exercised += quantity
    return {
        name: security
        for name, security in found.items()
        if name not in ended and (security.left > 0 or security.issuance.quantity is None)
    }


def _after_splits(
    quantity: Fraction, at: Transaction, issuance: Transaction, splits: Iterable[Transaction]
) -> Fraction:
    """Return the quantity of a transaction after the later splits of the security's class."""
    for split in splits:
        if split.stock_class_id == issuance.stock_class_id and split.date > at.date:
            assert split.split_ratio is not None
            quantity *= split.split_ratio.value
    return quantity


def stock_outstanding(path: Path, day: datetime.date) -> dict[str, Fraction]:
    """Return the shares outstanding at the end of a day by the id of their class.

    Classes without shares are included.
    """
    package = read_package(path)
    classes = package.read(OcfStockClass, "STOCK_CLASS")
    outstanding = {stock_class.id: Fraction(0) for stock_class in classes}
    for security in open_securities(package.transactions(day)).values():
        if security.issuance.object_type == "TX_STOCK_ISSUANCE":
            name = security.issuance.stock_class_id
            outstanding[name] = outstanding.get(name, Fraction(0)) + security.left
    return outstanding
