"""Tables of the database; :mod:`finance.scenarios.migrations` makes the same ones.

Times are in UTC without a time zone. A browser is stored as the hash of its secret id.
"""

from __future__ import annotations

import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 40
HASH_LENGTH = 64
NOTE_LENGTH = 500
TAG_LENGTH = 40


class Table(DeclarativeBase):
    """Base of all tables."""


class ScenarioRow(Table):
    """Scenario with its newest version."""

    __tablename__ = "scenarios"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    deleted_at: Mapped[datetime.datetime | None]
    """Time at which the scenario was moved to the trash; None if it is not there."""


class VersionRow(Table):
    """Saved version of a scenario."""

    __tablename__ = "scenario_versions"

    scenario_id: Mapped[str] = mapped_column(ForeignKey(ScenarioRow.id), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    saved_at: Mapped[datetime.datetime]
    content_hash: Mapped[str] = mapped_column(String(HASH_LENGTH))
    document: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), server_default="")
    browser: Mapped[str | None] = mapped_column(String(HASH_LENGTH))
    """Browser that saved the version; None if it is not known."""


class EditorRow(Table):
    """Browser that may edit a scenario."""

    __tablename__ = "scenario_editors"

    scenario_id: Mapped[str] = mapped_column(ForeignKey(ScenarioRow.id), primary_key=True)
    browser: Mapped[str] = mapped_column(String(HASH_LENGTH), primary_key=True)


class TagRow(Table):
    """Tag of a scenario."""

    __tablename__ = "scenario_tags"

    scenario_id: Mapped[str] = mapped_column(ForeignKey(ScenarioRow.id), primary_key=True)
    tag: Mapped[str] = mapped_column(String(TAG_LENGTH), primary_key=True)


class DraftRow(Table):
    """Draft of a scenario in one browser: which of its steps is current."""

    __tablename__ = "drafts"

    scenario_id: Mapped[str] = mapped_column(ForeignKey(ScenarioRow.id), primary_key=True)
    browser: Mapped[str] = mapped_column(String(HASH_LENGTH), primary_key=True)
    base_version: Mapped[int]
    """Saved version that the draft began from."""
    position: Mapped[int]
    """Number of the current step."""
    revision: Mapped[int]
    """Number of changes so far. A tab whose own number is lower has not seen the last one."""
    changed_at: Mapped[datetime.datetime]


class StepRow(Table):
    """Document of a draft after one step of editing; undo and redo move between steps."""

    __tablename__ = "draft_steps"
    __table_args__ = (
        ForeignKeyConstraint(
            ["scenario_id", "browser"], ["drafts.scenario_id", "drafts.browser"], ondelete="CASCADE"
        ),
    )

    scenario_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    browser: Mapped[str] = mapped_column(String(HASH_LENGTH), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class ShareRow(Table):
    """Link that shows a scenario and does not edit it."""

    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    """Public name of the link, which says nothing about the scenario's id."""
    scenario_id: Mapped[str] = mapped_column(ForeignKey(ScenarioRow.id), index=True)
    token_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True)
    version: Mapped[int | None]
    """Version that the link shows; None for the newest saved one."""
    page: Mapped[str] = mapped_column(String(40))
    """Page that the link opens."""
    created_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime | None]
    revoked_at: Mapped[datetime.datetime | None]
