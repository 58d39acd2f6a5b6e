"""What alembic runs for each of its commands: one connection, one lock, one transaction."""

import logging.config

from alembic import context

from glue import migrate

config = context.config

if context.is_offline_mode():
    raise SystemExit("alembic --sql: not supported, because routines are applied by what the database has")

# Started from the command line: nobody else has set up logging.
if "dsn" not in config.attributes and config.config_file_name:
    logging.config.fileConfig(config.config_file_name, disable_existing_loggers=False)

migrate.run(context, config.attributes.get("dsn"))
