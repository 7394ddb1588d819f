"""What a rep works with: call plans, visits, and calendars that phones subscribe to.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "call_plans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("finish", sa.Text(), nullable=False),
        sa.Column("rep_ids", DOCUMENT, nullable=False),
        sa.Column("parameters", DOCUMENT, nullable=False),
        sa.Column("previous_id", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("content", sa.String(64), nullable=True),
        sa.Column("facts", DOCUMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_call_plans_portfolio_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_plans")),
    )
    op.create_index(op.f("ix_call_plans_portfolio_id"), "call_plans", ["portfolio_id"], unique=False)
    op.create_table(
        "visits",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("rep_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=True),
        sa.Column("finished_at", sa.Float(53), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("minutes", sa.Float(53), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_visits_portfolio_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint(
            "portfolio_id", "rep_id", "day", "customer_id", name=op.f("uq_visits_portfolio_id_rep_id_day_customer_id")
        ),
    )
    op.create_index(
        op.f("ix_visits_portfolio_id_customer_id_day"),
        "visits",
        ["portfolio_id", "customer_id", "day"],
        unique=False,
    )
    op.create_table(
        "calendars",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("rep_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_calendars_portfolio_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendars_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendars_secret_hash")),
    )
    op.create_index(op.f("ix_calendars_portfolio_id"), "calendars", ["portfolio_id"], unique=False)
    op.create_index(op.f("ix_calendars_user_id"), "calendars", ["user_id"], unique=False)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_index(op.f("ix_calendars_user_id"), table_name="calendars")
    op.drop_index(op.f("ix_calendars_portfolio_id"), table_name="calendars")
    op.drop_table("calendars")
    op.drop_index(op.f("ix_visits_portfolio_id_customer_id_day"), table_name="visits")
    op.drop_table("visits")
    op.drop_index(op.f("ix_call_plans_portfolio_id"), table_name="call_plans")
    op.drop_table("call_plans")
