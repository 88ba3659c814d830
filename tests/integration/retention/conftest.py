"""A database with the app's own, plain table of logs, and all that may hang on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

# Everything at once that a conversion has to carry over.
PLAIN = """
drop table public.edge_function_logs;
create table public.edge_function_logs (
    id bigint generated always as identity (start with 5 increment by 3) primary key,
    function_name text not null check (function_name <> ''),
    level text default 'info',
    gone text,
    event jsonb not null default '{}',
    user_id uuid references auth.users (id) on delete set null,
    shouted text generated always as (upper(function_name)) stored,
    created_at timestamptz default now()
) with (fillfactor = 90);
alter table public.edge_function_logs drop column gone;
comment on table public.edge_function_logs is 'the app''s own';
comment on column public.edge_function_logs.level is 'info, warn, error';
create index logs_by_function on public.edge_function_logs (function_name, created_at);
create index logs_errors on public.edge_function_logs (created_at)
    where level = 'error';
create index on public.edge_function_logs using gin (event);
create table public.log_counts (n bigint);
insert into public.log_counts values (0);
create function public.count_log() returns trigger language plpgsql as $$
begin
    update public.log_counts set n = n + 1;
    return null;
end $$;
create trigger counted after insert on public.edge_function_logs
    for each row execute function public.count_log();
create function public.stamp_log() returns trigger language plpgsql as $$
begin
    new.event := new.event || '{"stamped": true}';
    return new;
end $$;
create trigger stamped before insert on public.edge_function_logs
    for each row execute function public.stamp_log();
alter table public.edge_function_logs enable row level security;
create policy app_writes on public.edge_function_logs for insert to authenticated
    with check (level <> 'secret');
create policy app_reads on public.edge_function_logs for select to authenticated
    using (level <> 'secret');
revoke all on public.edge_function_logs from anon, authenticated;
grant select, insert on public.edge_function_logs to authenticated;
grant select (level, created_at) on public.edge_function_logs to anon;
create view public.recent_errors with (security_invoker = true) as
    select id, function_name, created_at from public.edge_function_logs
    where level = 'error';
create view public.error_count as select count(*) as n from public.recent_errors;
grant select on public.recent_errors to authenticated;
create publication app_changes for table public.edge_function_logs;
insert into public.edge_function_logs (function_name, level, created_at)
select 'chat-send', case when n % 10 = 0 then 'error' else 'info' end,
    now() - n * interval '15 minutes'
from generate_series(0, 2879) n;
"""


@dataclass
class Place:
    """One database as role postgres sees it."""

    url: str = field(repr=False)  # holds the password
    conn: psycopg.Connection[tuple[Any, ...]]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.conn.execute(query, values or None).fetchall()

    def value(self, query: str, *values: object) -> Any:
        return self.rows(query, *values)[0][0]

    def run(self, query: str, *values: object) -> None:
        self.conn.execute(query, values or None)

    def user(self, name: str = "") -> UUID:
        uuid = uuid4()
        self.run(
            "insert into auth.users (id, email) values (%s, %s)",
            uuid,
            f"{name or uuid}@example.test",
        )
        return uuid


@pytest.fixture(scope="session")
def retention_template(cluster: Any) -> str:
    with cluster.admin() as conn:
        conn.execute(
            "CREATE DATABASE retention_template TEMPLATE scratch_template"
            " OWNER postgres"
        )
    url = cluster.url("retention_template")
    apply(url, discover(REPOSITORY / "migrations"), lambda _: None)
    return "retention_template"


_numbers = iter(range(1, 100_000))


@pytest.fixture
def place(cluster: Any, retention_template: str) -> Iterator[Place]:
    """A fresh database with all migrations."""
    name = f"retention_{next(_numbers)}"
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {name} TEMPLATE {retention_template} OWNER postgres"
        )
    with connect(cluster.url(name)) as conn:
        yield Place(cluster.url(name), conn)
    with cluster.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def plain(place: Place) -> Place:
    """The same with the app's plain table of logs."""
    place.run(PLAIN)
    return place


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a task's command against a database; gives its exit code."""
    from deploy import commands, log_commands
    from deploy.deployment import Deployment

    def convert(place: Place, *, undo: bool = False, dry_run: bool = False) -> int:
        monkeypatch.setattr(Deployment, "database_url", lambda _: place.url)
        out = commands.Output(as_json=True)
        try:
            return log_commands.convert(
                "local", out, undo=undo, dry_run=dry_run, yes=True
            )
        except SystemExit as ended:
            return int(str(ended.code))

    return convert


def midnight(days: int) -> datetime:
    """Midnight UTC so many days from today."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)
