"""What alembic runs for each of its commands: one connection, one lock, one transaction."""

import logging.config

from alembic import context

from glue.connection import warehouse_dsn
from glue.errors import GlueError
from ops import migrate

config = context.config

if context.is_offline_mode():
    raise SystemExit("alembic --sql: not supported, because routines are applied by what the database has")

if "dsn" in config.attributes:
    migrate.run(context, config.attributes["dsn"])
else:  # from the command line: set up logging, and say what went wrong without a stack trace
    if config.config_file_name:
        logging.config.fileConfig(config.config_file_name, disable_existing_loggers=False)
    try:
        migrate.run(context, warehouse_dsn())
    except GlueError as error:
        raise SystemExit(str(error)) from None
