"""The statements of the user's specification, where it is at hand."""

import re
from pathlib import Path

SPECIFICATION = Path(__file__).parents[2] / "shared" / "spec" / "architecture-overview.md"
TEXT = SPECIFICATION.read_text(encoding="utf-8") if SPECIFICATION.exists() else ""

# In no dialect's syntax: partitions inside CREATE TABLE, and `...` for columns. Our partitions do what it wants.
PARTITION_EXAMPLE = "CREATE TABLE warehouse.fact_orders (\n    ...\n) PARTITION BY RANGE (load_date) ("


def statements() -> list[str]:
    """Return the statements of all SQL blocks, without comments, in order."""
    found = []
    for block in re.findall(r"^```sql\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        without_comments = re.sub(r"^--.*\n", "", block, flags=re.MULTILINE)
        found += [statement.strip() for statement in without_comments.split(";") if statement.strip()]
    return found


def postgresql_statements() -> list[str]:
    """Return those that are PostgreSQL."""
    return [statement for statement in statements() if not statement.startswith(PARTITION_EXAMPLE)]
