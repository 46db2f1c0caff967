"""The database: the migrations make exactly the models' tables, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from schedules.database import Database
from schedules.models import Base


def test_the_migrated_schema_is_that_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
