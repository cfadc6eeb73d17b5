"""Share links: an unguessable token shows a scenario until it expires or is revoked."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from engine.documents import InputError
from finance.scenarios.database import WRITING, utc_now
from finance.scenarios.tables import ScenarioRow, ShareRow

DAYS = (7, 30, 90, 365)
"""Offered lives of a link, in days."""
DEFAULT_DAYS = 30
_TOKEN_BYTES = 24
_MAX_TOKEN_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Share:
    """Link that shows a scenario."""

    id: str
    """Public name of the link."""
    scenario_id: str
    version: int | None
    """Version that it shows; None for the newest saved one."""
    page: str
    """Page that it opens."""
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    """Time from which it shows nothing, in UTC; None if it does not expire."""


class Shares:
    """Share links in the database, which has the hashes of their tokens only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**WRITING)

    def create(
        self,
        scenario_id: str,
        *,
        page: str,
        version: int | None = None,
        days: int | None = DEFAULT_DAYS,
    ) -> tuple[Share, str]:
        """Store a link to a scenario; return it with its token, which is not stored.

        Raises
        ------
        InputError
            If ``days`` is not positive.
        """
        if days is not None and days <= 0:
            raise InputError("share.days", days, "greater_than", limit=0)
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), utc_now()
        row = ShareRow(
            id=secrets.token_hex(4),
            scenario_id=scenario_id,
            token_hash=token_hash(token),
            version=version,
            page=page,
            created_at=now,
            expires_at=None if days is None else now + datetime.timedelta(days=days),
        )
        with Session(self._writing) as session, session.begin():
            session.add(row)
            return _share(row), token

    def find(self, token: str, now: datetime.datetime | None = None) -> Share:
        """Return the link of a token.

        Raises
        ------
        InputError
            If no link has this token, or the link was revoked, has expired, or is to a scenario
            in the trash. The error does not say which, and does not repeat the token.
        """
        query = (
            select(ShareRow)
            .join(ScenarioRow, ScenarioRow.id == ShareRow.scenario_id)
            .where(
                ShareRow.token_hash == token_hash(token[:_MAX_TOKEN_LENGTH]),
                ShareRow.revoked_at.is_(None),
                ShareRow.expires_at.is_(None) | (ShareRow.expires_at > (now or utc_now())),
                ScenarioRow.deleted_at.is_(None),
            )
        )
        with Session(self._engine) as session:
            row = session.scalar(query)
            if row is None:
                raise InputError("share", "…", "valid_share")
            return _share(row)

    def of(self, scenario_id: str, now: datetime.datetime | None = None) -> list[Share]:
        """Return the links to a scenario that still show it, the newest first."""
        query = (
            select(ShareRow)
            .where(
                ShareRow.scenario_id == scenario_id,
                ShareRow.revoked_at.is_(None),
                ShareRow.expires_at.is_(None) | (ShareRow.expires_at > (now or utc_now())),
            )
            .order_by(ShareRow.created_at.desc(), ShareRow.id)
        )
        with Session(self._engine) as session:
            return [_share(row) for row in session.scalars(query)]

    def revoke(self, scenario_id: str, share_id: str) -> None:
        """End a link to a scenario at once."""
        with Session(self._writing) as session, session.begin():
            session.execute(
                update(ShareRow)
                .where(ShareRow.scenario_id == scenario_id, ShareRow.id == share_id)
                .values(revoked_at=utc_now())
            )


def token_hash(token: str) -> str:
    """Return the hash under which a token or a browser's id is stored.

    Both are long and random, so that a plain SHA-256 cannot be reversed by trying.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def _share(row: ShareRow) -> Share:
    return Share(row.id, row.scenario_id, row.version, row.page, row.created_at, row.expires_at)
