"""When a company's provider has vouched for a user last, so that its word does not count for ever.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; who has rights of a company signs in there once more."""
    op.add_column("users", sa.Column("vouched_at", sa.Float(53), nullable=True))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("users", "vouched_at")
