"""Alembic's entry: runs the migrations on the connection that `Database.migrate` hands over.

A developer who calls the `alembic` command has no such connection and names a database instead:
`alembic -x url=sqlite:////tmp/draft.db upgrade head`.
"""

from typing import Literal

from alembic import context
from sqlalchemy import Connection, Enum
from sqlalchemy.types import TypeDecorator

from schedules.database import open_database
from schedules.models import Base


def _render(kind: str, item: object, _context: object) -> str | Literal[False]:
    # A migration stays as it was written, so it must not lean on types of ours that may change later.
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if kind == "type" and isinstance(item, Enum) and not item.native_enum:
        return f"sa.String(length={item.length})"
    return False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite cannot alter a column: Alembic then copies the table.
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    _migrate(handed_over)
else:
    draft = open_database(context.get_x_argument(as_dictionary=True)["url"])
    with draft.engine.begin() as own:
        _migrate(own)
    draft.close()
