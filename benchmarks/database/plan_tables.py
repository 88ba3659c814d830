"""The plan's side of a comparison: its indexes on copies of four tables."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.cluster import Database

SCHEMA = "plan_side"
SETUP = Path(__file__).with_name("plan_side.sql")


def make(database: Database, progress: Callable[[str], None]) -> None:
    """Make the plan's side; takes about a minute at two million messages."""
    statements = [part for part in SETUP.read_text().split(";\n") if part.strip()]
    with database.connect() as connection:
        connection.execute("set maintenance_work_mem = '256MB'")
        for number, statement in enumerate(statements, start=1):
            progress(f"making the plan's side, {number} of {len(statements)}")
            connection.execute(statement)
