"""A cap table as a package of the Open Cap Table Format (OCF 1.2).

Every security becomes its issuance. What OCF has no field for (protection against dilution, a
participation without a cap, a note's maturity and compounding, the deciding term, fractions
beyond ten decimals) stands in a comment of the same object, so that a round trip loses nothing;
other readers see plain OCF.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import Field

from engine.documents import Document
from engine.field_types import ShortName
from finance.capital.ocf.items import (
    PLAN,
    Header,
    Json,
    comment,
    numeric,
    plain,
    security,
    stock_class,
)
from finance.capital.ocf.package import MANIFEST
from finance.capital.ocf.vesting import START, terms_id, vesting_terms
from finance.capital.table import CapTable, Decided
from finance.capital.vesting import Vesting


class Issuer(Document):
    """The company, as OCF wants it named."""

    legal_name: ShortName
    formation_date: datetime.date
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""


def ocf_files(table: CapTable, issuer: Issuer, generated_at: datetime.datetime) -> dict[str, bytes]:
    """The package's files by name."""
    transactions = [
        *(security(one, table.currency) for one in table.securities),
        *_vesting_starts(table),
        *_exercises(table),
    ]
    files = {
        "stakeholders": ("Stakeholders", _stakeholders(table)),
        "stock_classes": ("StockClasses", _classes(table)),
        "stock_plans": ("StockPlans", [_plan(table)]),
        "vesting_terms": ("VestingTerms", _vesting_terms(table)),
        "transactions": ("Transactions", transactions),
    }
    header = Header(currency=table.currency, rates=table.rates, pool=table.pool)
    written: dict[str, bytes] = {}
    manifest: Json = {
        "ocf_version": "1.2.0",
        "file_type": "OCF_MANIFEST_FILE",
        "issuer": {
            "object_type": "ISSUER",
            "id": "issuer",
            "legal_name": issuer.legal_name,
            "formation_date": issuer.formation_date.isoformat(),
            "country_of_formation": issuer.country,
        },
        "as_of": table.date.isoformat(),
        "generated_at": generated_at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        "stock_legend_templates_files": [],
        "valuations_files": [],
        "comments": [comment(plain(header))],
    }
    for key, (name, items) in files.items():
        path = f"{name}.ocf.json"
        written[path] = _json({"file_type": f"OCF_{key.upper()}_FILE", "items": items})
        md5 = hashlib.md5(written[path], usedforsecurity=False).hexdigest()
        manifest[f"{key}_files"] = [{"filepath": f"./{path}", "md5": md5}]
    return {MANIFEST: _json(manifest), **written}


def write_ocf(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a package's files into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def ocf_zip(files: Mapping[str, bytes]) -> bytes:
    """The package as one file; the same files make the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def common_class(table: CapTable) -> str:
    """The class that preferred stock converts into: the first that is common."""
    return next((one.name for one in table.classes if not one.preferred), "")


def _classes(table: CapTable) -> list[Json]:
    common = common_class(table)
    return [stock_class(one, table.currency, common) for one in table.classes]


def _exercises(table: CapTable) -> list[Json]:
    return [
        {
            "object_type": "TX_EQUITY_COMPENSATION_EXERCISE",
            "id": f"{grant.name} exercised",
            "date": table.date.isoformat(),
            "security_id": grant.name,
            "quantity": numeric(grant.exercised),
            "resulting_security_ids": [
                one.name
                for one in table.holdings
                if one.term.decided is Decided.EXERCISED and one.term.of == grant.name
            ],
        }
        for grant in table.grants
        if grant.exercised
    ]


def _vesting(table: CapTable) -> Iterable[tuple[str, Vesting]]:
    vesting = [(one.name, one.vesting) for one in table.holdings]
    vesting += [(one.name, one.vesting) for one in table.grants]
    return [(name, one) for name, one in vesting if one is not None]


def _vesting_starts(table: CapTable) -> list[Json]:
    return [
        {
            "object_type": "TX_VESTING_START",
            "id": f"{name} vests",
            "date": vesting.start.isoformat(),
            "security_id": name,
            "vesting_condition_id": START,
        }
        for name, vesting in _vesting(table)
    ]


def _vesting_terms(table: CapTable) -> list[Json]:
    distinct = {terms_id(vesting): vesting for _, vesting in _vesting(table)}
    return [vesting_terms(one) for one in distinct.values()]


def _plan(table: CapTable) -> Json:
    reserved = table.pool + sum((one.shares + one.exercised for one in table.grants), Fraction(0))
    return {
        "object_type": "STOCK_PLAN",
        "id": PLAN,
        "plan_name": PLAN,
        "initial_shares_reserved": numeric(reserved),
        "default_cancellation_behavior": "RETURN_TO_POOL",
        "stock_class_ids": [common_class(table)],
    }


def _stakeholders(table: CapTable) -> list[Json]:
    """Every holder; those of common stock and options alone are taken for people."""
    common = {one.name for one in table.classes if not one.preferred}
    invested = {one.holder for one in table.holdings if one.stock_class not in common}
    invested |= {one.holder for one in (*table.safes, *table.notes)}
    invested |= {one.holder for one in table.warrants}
    return [
        {
            "object_type": "STAKEHOLDER",
            "id": holder,
            "name": {"legal_name": holder},
            "stakeholder_type": "INSTITUTION" if holder in invested else "INDIVIDUAL",
        }
        for holder in dict.fromkeys(one.holder for one in table.securities)
    ]


def _json(document: Json) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
