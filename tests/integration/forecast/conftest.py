"""A database with all migrations, filled with snapshots, and the task run on it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.forecast import commands
from deploy.forecast.asking import Asked

# A line of 10 MiB a day up to the database's own size, with a wave of the hours. The
# parts have none: of each day their newest size counts, of today whatever hour it is.
FILL = """
insert into kiloscale.health_snapshots (taken_at, database_bytes, detail)
select t, b.bytes, jsonb_build_object('tables', jsonb_build_array(
           jsonb_build_object('table', 'public.messages', 'bytes', b.line / 2),
           jsonb_build_object('table', 'kiloscale.edge_function_logs_p20260101',
               'bytes', b.line / 5)))
  from generate_series(now() - make_interval(days => %(days)s),
           now() - interval '20 minutes', '1 hour') t
 cross join lateral (
    select l.line, (l.line + 5242880 * sin(extract(hour from t)))::bigint as bytes
      from (select (pg_database_size(current_database()) + %(base)s
          + extract(epoch from t - now()) / 86400 * 10485760 * %(slope)s)::bigint
          as line) l) b
"""


@dataclass(frozen=True)
class Task:
    """Runs ``db.forecast`` on one database."""

    url: str
    capsys: Any

    def fill(self, days: int, *, slope: float = 1.0, base: int = 0) -> None:
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(FILL, {"days": days, "slope": slope, "base": base})

    def run(self, *limits: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """Give the exit code and the checks by id."""
        asked = Asked(limits=limits, **options)
        try:
            code = commands.forecast("local", lambda: asked, Output(as_json=True))
        except SystemExit as ended:
            code = int(ended.code or 0)
        checks = json.loads(self.capsys.readouterr().out)["checks"]
        return code, {each["id"]: each for each in checks}

    def text(self, **options: Any) -> str:
        commands.forecast("local", lambda: Asked(**options), Output())
        return self.capsys.readouterr().out


@pytest.fixture
def forecasting(monkeypatch, capsys) -> Callable[[str], Task]:
    """Makes a task for a database."""

    def make(url: str) -> Task:
        monkeypatch.setattr(Deployment, "database_url", lambda _: url)
        return Task(url, capsys)

    return make


@pytest.fixture
def task(migrated_url: str, forecasting: Callable[[str], Task]) -> Task:
    """The task on a fresh database with all migrations."""
    return forecasting(migrated_url)
