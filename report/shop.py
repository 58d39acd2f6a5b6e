"""What the first page shows: yesterday beside the usual, what needs a look, what was sold."""

from typing import Any

from report.ask import Questions, Row
from report.day_charts import beside_usual, stacked
from report.page import money, signed


def shop(asked: Questions) -> dict[str, Any]:
    """Return what shop.html is given."""
    revenue, categories = asked.ask("net_revenue"), asked.ask("categories")
    lines: dict[str, list[Any]] = {}
    for row in asked.ask("figure_history").rows:
        lines.setdefault(row["name"], []).append(row["value"])
    days = [row["run_date"] for row in revenue.rows]
    category_chart, category_names = stacked(
        "category-chart", "Net revenue by category and day", days, categories.rows, lambda row: money(row["value"])
    )
    return {
        "figures": asked.ask("figures"),
        "lines": lines,
        "look": asked.ask("needs_look"),
        "revenue": revenue,
        "revenue_chart": beside_usual("revenue-chart", "Net revenue by day", revenue.rows, _says),
        "categories": categories,
        "category_chart": category_chart,
        "category_names": category_names,
        "cities": asked.of_kind("customers", "city"),
        "sources": asked.of_kind("customers", "source"),
        "funnel": asked.ask("funnel"),
        "products": asked.ask("products"),
    }


def _says(row: Row) -> str:
    if not row["is_loaded"]:
        return f"{row['status']}; its figures are missing"
    said = [money(row["value"])]
    if row["usual"] is not None:
        said.append(f"usual {row['weekday']}: {money(row['usual'])}")
    if row["percent"] is not None:
        said.append(f"{signed(row['percent'])} %{', unusual' if row['is_unusual'] else ''}")
    return "; ".join(said)
