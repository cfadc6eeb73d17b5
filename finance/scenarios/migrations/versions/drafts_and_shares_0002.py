"""Trash, notes, editors, tags, drafts and share links."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("scenarios", sa.Column("deleted_at", sa.DateTime))
    op.add_column(
        "scenario_versions", sa.Column("note", sa.String(500), nullable=False, server_default="")
    )
    op.add_column("scenario_versions", sa.Column("browser", sa.String(64)))
    op.create_table(
        "scenario_editors",
        sa.Column("scenario_id", sa.String(40), sa.ForeignKey("scenarios.id"), primary_key=True),
        sa.Column("browser", sa.String(64), primary_key=True),
    )
    op.create_table(
        "scenario_tags",
        sa.Column("scenario_id", sa.String(40), sa.ForeignKey("scenarios.id"), primary_key=True),
        sa.Column("tag", sa.String(40), primary_key=True),
    )
    op.create_table(
        "drafts",
        sa.Column("scenario_id", sa.String(40), sa.ForeignKey("scenarios.id"), primary_key=True),
        sa.Column("browser", sa.String(64), primary_key=True),
        sa.Column("base_version", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "draft_steps",
        sa.Column("scenario_id", sa.String(40), primary_key=True),
        sa.Column("browser", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["scenario_id", "browser"], ["drafts.scenario_id", "drafts.browser"], ondelete="CASCADE"
        ),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("scenario_id", sa.String(40), sa.ForeignKey("scenarios.id"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("version", sa.Integer),
        sa.Column("page", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("revoked_at", sa.DateTime),
    )
    op.create_index("ix_shares_scenario_id", "shares", ["scenario_id"])
