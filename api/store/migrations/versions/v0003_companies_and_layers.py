"""Signing in by a company's provider, and published plans as rows that other programs read.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    # A column and an index: for a constraint SQLite would make a new table, and lose what refers to the old one.
    op.add_column("users", sa.Column("subject", sa.Text(), nullable=True))
    op.create_index(op.f("ix_users_subject"), "users", ["subject"], unique=True)
    op.create_table(
        "sign_ins",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("leads_to", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_created_at"), "sign_ins", ["created_at"], unique=False)
    op.create_table(
        "features",
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("properties", DOCUMENT, nullable=False),
        sa.Column("shape", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_features_portfolio_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("portfolio_id", "layer", "key", name=op.f("pk_features")),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("features")
    op.drop_index(op.f("ix_sign_ins_created_at"), table_name="sign_ins")
    op.drop_table("sign_ins")
    op.drop_index(op.f("ix_users_subject"), table_name="users")
    op.drop_column("users", "subject")
