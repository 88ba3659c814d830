"""Have a database that can carry the rest: reachable, new enough, with pg_cron."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment

if TYPE_CHECKING:
    import psycopg

OLDEST_SERVER = 150000
"""PostgreSQL 15: what Supabase runs at least, and what the migrations are tested on."""

FACTS = """
select current_setting('server_version_num')::int as version_num,
       current_setting('server_version') as version,
       current_database() as database,
       current_user as role,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       has_schema_privilege(current_user, 'public', 'create') as may_create,
       pg_database_size(current_database()) as bytes,
       (select extversion from pg_extension where extname = 'pg_cron') as pg_cron
"""


def run(deployment: Deployment) -> Iterator[Result]:
    """Start the local stack, or reach the cloud one; then look at the database."""
    from deploy.database import connect

    if deployment.is_local:
        yield (started := start_local(deployment))
        if started.planned:
            return
    with connect(deployment.database_url()) as connection:
        facts = _facts(connection)
    yield _server(facts)
    yield _role(facts)
    yield _pg_cron(facts)


def start_local(deployment: Deployment, step: str = "database") -> Result:
    """Start what is not running of the local stack.

    Args:
        deployment: The run; under ``dry_run`` nothing is started.
        step: Id of the step that asks.

    Returns:
        A result; ``planned`` if something would have to be started.
    """
    from deploy.local import stack

    if deployment.dry_run:
        parts = stack.status(deployment.state)
        down = [part.name for part in parts if part.is_down]
        return Result(
            id=f"{step}.local-stack",
            title=f"would start {', '.join(down)}" if down else "running",
            status=Status.SKIPPED if down else Status.PASS,
            evidence={"not_running": down},
            planned=bool(down),
        )
    started = stack.start(deployment.state, deployment.progress)
    where = ", ".join(
        f"{part.name} :{part.port}" if part.running else f"no {part.name}"
        for part in started.parts
    )
    return Result(
        id=f"{step}.local-stack",
        title=f"{'started' if started.changed else 'running'}: {where}",
        status=Status.PASS,
        evidence={part.name: part.detail for part in started.parts},
        changed=started.changed,
    )


def _facts(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, object]:
    """Read the facts of the server and of the role in one round trip."""
    cursor = connection.execute(FACTS)
    columns = [column.name for column in cursor.description or ()]
    row = cursor.fetchone()
    return dict(zip(columns, row or (), strict=True))


def _server(facts: dict[str, object]) -> Result:
    """Judge the server's version."""
    new_enough = int(str(facts["version_num"])) >= OLDEST_SERVER
    size = int(str(facts["bytes"])) / 1024**2
    title = f"PostgreSQL {facts['version']}, {size:.0f} MiB"
    if not new_enough:
        title += ": 15 or later is needed; nothing was changed"
    return Result(
        id="database.server",
        title=title,
        status=Status.PASS if new_enough else Status.FAIL,
        evidence={key: facts[key] for key in ("version", "database", "bytes")},
        remedy=None if new_enough else "upgrade the database, then deploy again",
    )


def _role(facts: dict[str, object]) -> Result:
    """Judge whether the role may create what the migrations create."""
    role, may_create = facts["role"], bool(facts["may_create"])
    return Result(
        id="database.role",
        title=f"role {role} may create in schema public"
        if may_create
        else f"role {role} may not create in schema public: migrations would fail",
        status=Status.PASS if may_create else Status.FAIL,
        evidence={key: facts[key] for key in ("role", "superuser", "may_create")},
        remedy=None
        if may_create
        else f"as the owner: grant create on schema public to {role}",
    )


def _pg_cron(facts: dict[str, object]) -> Result:
    """Judge whether pg_cron is installed."""
    version = facts["pg_cron"]
    return Result(
        id="database.pg-cron",
        title=f"pg_cron {version}" if version else "pg_cron is not installed here",
        status=Status.PASS if version else Status.FAIL,
        evidence={"extversion": version, "database": facts["database"]},
        remedy=None
        if version
        else "create extension pg_cron (on Supabase: Database > Extensions > pg_cron)",
    )


STEP = Step(id="database", title="start or reach the database", run=run)
