"""Write a cap table as a package of the Open Cap Table Format (OCF 1.2).

Every security is written as its issuance. OCF has no field for anti-dilution protection, for
participation without a cap, for the maturity and compounding of a note, for the deciding term and
for fractions beyond ten decimals. A comment of the same object holds them, so that a round trip
loses nothing; other readers see plain OCF.
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
from finance.capital.ocf.relationships import RELATIONSHIPS
from finance.capital.ocf.vesting import START, terms_id, vesting_terms
from finance.capital.roles import HolderRole
from finance.capital.table import CapTable, Decided
from finance.capital.vesting import Vesting


class Issuer(Document):
    """The company, as OCF describes an issuer."""

    legal_name: ShortName
    formation_date: datetime.date
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    """Country of formation, ISO 3166-1 alpha-2."""


def ocf_files(table: CapTable, issuer: Issuer, generated_at: datetime.datetime) -> dict[str, bytes]:
    """Return the files of the package by their names."""
    transactions = [
        *(security(document, table.currency) for document in table.securities),
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
    """Write the files of a package into a folder, which is created if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def ocf_zip(files: Mapping[str, bytes]) -> bytes:
    """Return the package as a zip file; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def common_class(table: CapTable) -> str:
    """Return the first common class, into which preferred stock converts."""
    return next((known.name for known in table.classes if not known.preferred), "")


def _classes(table: CapTable) -> list[Json]:
    common = common_class(table)
    return [stock_class(known, table.currency, common) for known in table.classes]


def _exercises(table: CapTable) -> list[Json]:
    return [
        {
            "object_type": "TX_EQUITY_COMPENSATION_EXERCISE",
            "id": f"{grant.name} exercised",
            "date": table.date.isoformat(),
            "security_id": grant.name,
            "quantity": numeric(grant.exercised),
            "resulting_security_ids": [
                holding.name
                for holding in table.holdings
                if holding.term.decided is Decided.EXERCISED and holding.term.of == grant.name
            ],
        }
        for grant in table.grants
        if grant.exercised
    ]


def _vesting(table: CapTable) -> Iterable[tuple[str, Vesting]]:
    """Return the vesting schedules by the names of their securities."""
    schedules = [(holding.name, holding.vesting) for holding in table.holdings]
    schedules += [(grant.name, grant.vesting) for grant in table.grants]
    return [(name, schedule) for name, schedule in schedules if schedule is not None]


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
    return [vesting_terms(vesting) for vesting in distinct.values()]


def _plan(table: CapTable) -> Json:
    granted = sum((grant.shares + grant.exercised for grant in table.grants), Fraction(0))
    return {
        "object_type": "STOCK_PLAN",
        "id": PLAN,
        "plan_name": PLAN,
        "initial_shares_reserved": numeric(table.pool + granted),
        "default_cancellation_behavior": "RETURN_TO_POOL",
        "stock_class_ids": [common_class(table)],
    }


def _stakeholders(table: CapTable) -> list[Json]:
    """Return every holder; holders of only common stock and options count as individuals."""
    common = {known.name for known in table.classes if not known.preferred}
    invested = {holding.holder for holding in table.holdings if holding.stock_class not in common}
    invested |= {convertible.holder for convertible in (*table.safes, *table.notes)}
    invested |= {warrant.holder for warrant in table.warrants}
    holders = [document.holder for document in table.securities]
    return [
        {
            "object_type": "STAKEHOLDER",
            "id": holder,
            "name": {"legal_name": holder},
            "stakeholder_type": "INSTITUTION" if holder in invested else "INDIVIDUAL",
            **_relationship(table.roles.get(holder)),
        }
        for holder in dict.fromkeys([*holders, *table.roles])
    ]


def _relationship(role: HolderRole | None) -> Json:
    return {} if role is None else {"current_relationship": RELATIONSHIPS[role]}


def _json(document: Json) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
