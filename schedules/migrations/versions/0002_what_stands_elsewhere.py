"""What stands elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What stands elsewhere."""
    op.create_table(
        "spendings",
        sa.Column("project", sa.String(length=100), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("bucket", sa.String(length=40), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project", "day", "bucket", name=op.f("pk_spendings")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=60), nullable=False),
        sa.Column("marker", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("health", sa.String(length=20), nullable=False),
        sa.Column("told", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("live_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=op.f("fk_broadcasts_meeting_id_meetings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("marker", name=op.f("uq_broadcasts_marker")),
        sa.UniqueConstraint("meeting_id", "platform", name=op.f("uq_broadcasts_meeting_id")),
    )
    op.create_table(
        "viewer_counts",
        sa.Column("meeting_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("viewers", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=op.f("fk_viewer_counts_meeting_id_meetings")
        ),
        sa.PrimaryKeyConstraint("meeting_id", "platform", "at", name=op.f("pk_viewer_counts")),
    )
    op.create_table(
        "statistics",
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.String(length=6), nullable=False),
        sa.Column("views", sa.Integer(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_statistics_publication_id_publications")
        ),
        sa.PrimaryKeyConstraint("publication_id", "quarter", name=op.f("pk_statistics")),
    )
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("also", sa.JSON(), nullable=False, server_default="[]"))

    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("state", sa.String(length=20), nullable=False, server_default="published")
        )
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("step", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("percent", sa.Double(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("error", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("done", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("notes", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("memory", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("former", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("film", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.alter_column("published_at", existing_type=sa.DATETIME(), nullable=True)
        batch_op.create_index(batch_op.f("ix_publications_state"), ["state"], unique=False)

    with op.batch_alter_table("videos", schema=None) as batch_op:
        batch_op.add_column(sa.Column("also", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))

    _describe_what_stands()


def _describe_what_stands() -> None:
    """Publications from before this version: their state, and what viewers find there."""
    publications = sa.table(
        "publications",
        *(sa.column(name) for name in ("id", "video_id", "state", "withdrawn_at")),
        sa.column("film", sa.JSON()),
    )
    videos = sa.table(
        "videos",
        *(sa.column(name) for name in ("id", "title", "description", "duration", "width", "height")),
        sa.column("chapters", sa.JSON()),
    )
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(publications.c.id, videos).join_from(
            publications, videos, publications.c.video_id == videos.c.id
        )
    ).mappings()
    for row in list(rows):
        film = {k: row[k] for k in ("title", "description", "duration", "width", "height", "chapters")}
        connection.execute(
            publications.update().where(publications.c.id == row[publications.c.id]).values(film=film)
        )
    gone = publications.c.withdrawn_at.is_not(None)
    connection.execute(publications.update().where(gone).values(state="withdrawn"))


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("videos", schema=None) as batch_op:
        batch_op.drop_column("version")
        batch_op.drop_column("also")

    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_publications_state"))
        batch_op.alter_column("published_at", existing_type=sa.DATETIME(), nullable=False)
        batch_op.drop_column("film")
        batch_op.drop_column("former")
        batch_op.drop_column("memory")
        batch_op.drop_column("notes")
        batch_op.drop_column("done")
        batch_op.drop_column("error")
        batch_op.drop_column("percent")
        batch_op.drop_column("step")
        batch_op.drop_column("version")
        batch_op.drop_column("state")

    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.drop_column("also")

    op.drop_table("statistics")
    op.drop_table("viewer_counts")
    op.drop_table("broadcasts")
    op.drop_table("spendings")
