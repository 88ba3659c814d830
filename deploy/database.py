"""Connections to PostgreSQL whose errors name the place and never the password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from deploy.errors import AuthError, DeployError, UsageError

CONNECT_TIMEOUT_S = 10
PORTS = re.compile(r"\d*(,\d*)*")

# libpq keeps no SQLSTATE of a connection that failed, only the server's text.
REFUSED_CREDENTIALS = (
    "password authentication failed",
    "no password supplied",
    "SCRAM authentication",
    "Tenant or user not found",  # Supabase's pooler
    "no pg_hba.conf entry",
    "is not permitted to log in",
)
UNKNOWN_ROLE = re.compile(r'role ".*" does not exist')
CONNECTION_LOST = ("08", "57P")
"""SQLSTATE classes after which a session is gone: connection exceptions, and an
administrator's shutdown (PostgreSQL documentation, appendix A)."""

UNREACHABLE = (
    "Connection refused",
    "timeout expired",
    "could not translate host name",
    "failed to resolve host",
    "No such file or directory",
    "Network is unreachable",
    "No route to host",
)


def connect(
    url: str, *, autocommit: bool = True, application_name: str = "kiloscale"
) -> psycopg.Connection[TupleRow]:
    """Open a connection.

    Args:
        url: libpq connection URI or ``key=value`` string.
        autocommit: Whether each statement commits by itself.
        application_name: Shown in ``pg_stat_activity``, so that others can tell who
            holds a lock.

    Raises:
        UsageError: The URL cannot be read.
        AuthError: The server refuses the role or its password.
        DeployError: The server cannot be reached, or has no such database.
    """
    timeout = _parse(url).get("connect_timeout", CONNECT_TIMEOUT_S)
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            # A prepared statement outlives its transaction, its server connection
            # behind a transaction pooler does not.
            prepare_threshold=None,
            connect_timeout=str(timeout),
            application_name=application_name,
        )
    except psycopg.OperationalError as error:
        raise _explain(url, error) from None


@contextmanager
def explained(conn: psycopg.Connection[TupleRow], doing: str) -> Iterator[None]:
    """Turn what only a database can refuse into errors that say what to do.

    Args:
        conn: The connection that is used inside.
        doing: What is done there, e.g. ``reading the history of migrations``.

    Raises:
        AuthError: The role lacks a right.
        DeployError: The connection was lost, or the database takes no writes.
    """
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        if conn.read_only:  # by us: it is our mistake that something writes
            raise
        raise _read_only(doing, error.sqlstate) from error
    except psycopg.errors.InsufficientPrivilege as error:
        role, database = conn.info.user, conn.info.dbname
        said = error.diag.message_primary
        raise AuthError(
            f"role {role} in database {database}, {doing}: {said}",
            remedy="use the role that owns the app's tables in the database URL",
            evidence={"sqlstate": error.sqlstate},
        ) from error
    except psycopg.OperationalError as error:
        code = error.sqlstate
        said = _reason(error.diag.message_primary or str(error).strip())
        # Without a SQLSTATE it was the client that noticed.
        if code and not code.startswith(CONNECTION_LOST):
            raise DeployError(
                f"{doing} failed: {said} (SQLSTATE {code})",
                remedy="run the same command again",
                evidence={"sqlstate": code},
            ) from error
        raise DeployError(
            f"the connection was lost, {doing}: {said}",
            remedy="see that PostgreSQL runs, then run the same command again",
            evidence={"sqlstate": code},
        ) from error


def require_writable(conn: psycopg.Connection[TupleRow], doing: str) -> None:
    """Refuse a replica, and a database that was made read-only.

    Raises:
        DeployError: It takes no writes; nothing was changed.
    """
    row = conn.execute(
        "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'"
    ).fetchone()
    if row and row[0]:
        raise _read_only(doing, "25006")


def _read_only(doing: str, code: str | None) -> DeployError:
    """Say that a database takes no writes, and why that may be."""
    return DeployError(
        f"{doing}: this database takes no writes: it is a replica, or read-only, which"
        " Supabase makes it when its disk is nearly full; nothing was changed",
        remedy="name the primary in the database URL; if it is that, free space or"
        " enlarge the disk: ./bootstrap db.forecast",
        evidence={"sqlstate": code},
    )


def redact(url: str) -> str:
    """Give a connection URL that may be shown: without password and options.

    >>> redact("postgresql://app:secret@db.example:5432/app?sslmode=require")
    'postgresql://app@db.example:5432/app'
    """
    try:
        parts = _parse(url)
    except UsageError:
        return "an unreadable connection URL"
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    user = f"{parts['user']}@" if parts.get("user") else ""
    return (
        f"postgresql://{user}{host}:{parts.get('port') or 5432}/"
        f"{parts.get('dbname') or parts.get('user') or ''}"
    )


def user_and_host(url: str) -> tuple[str, str]:
    """Give role and host of a connection URL, each empty if it names none.

    >>> user_and_host("postgresql://app:secret@db.example:5432/app")
    ('app', 'db.example')
    """
    parts = _parse(url)
    return str(parts.get("user") or ""), str(parts.get("host") or "")


def port_of(url: str) -> int:
    """Give the port of a connection URL, of the first host if it names several."""
    return int(str(_parse(url).get("port") or 5432).split(",")[0] or 5432)


def _parse(url: str) -> dict[str, object]:
    """Take a connection URL apart.

    A character of the password that is not percent-encoded ends up in host, port or
    database, and would be shown with them.
    """
    try:
        parts: dict[str, object] = dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        parts = {"port": "unreadable"}  # its message quotes the URL
    if not PORTS.fullmatch(str(parts.get("port") or "5432")) or any(
        set(str(parts.get(key) or "")) & set("@#?") for key in ("host", "dbname")
    ):
        raise UsageError(
            "the database's connection URL cannot be read (it is not shown, since it"
            " holds a password); nothing was connected",
            remedy="write it as postgresql://ROLE:PASSWORD@HOST:5432/DATABASE, with"
            " special characters of the password percent-encoded",
        )
    return parts


def _explain(url: str, error: psycopg.OperationalError) -> DeployError:
    """Say who could not connect where, and why."""
    place = redact(url)
    text = str(error).strip()
    reason = _reason(text)
    evidence: dict[str, object] = {"database": place, "error": text}
    if any(known in text for known in REFUSED_CREDENTIALS) or UNKNOWN_ROLE.search(text):
        return AuthError(
            f"{place} refused the connection: {reason}",
            remedy="check role and password in the database URL",
            evidence=evidence,
        )
    if any(known in text for known in UNREACHABLE):
        remedy = f"check that PostgreSQL listens there: pg_isready -d {place}"
    else:
        remedy = "check host, port and database in the database URL"
    return DeployError(
        f"cannot connect to {place}: {reason}", remedy=remedy, evidence=evidence
    )


def _reason(text: str) -> str:
    """Pick what the server said, else why the last address failed.

    >>> _reason('connection to server at "::1", port 1 failed: Connection refused')
    'Connection refused'
    """
    reasons = re.findall(r"failed: ((?!connection to server).+)", text) or [text]
    from_server = [reason for reason in reasons if reason.startswith("FATAL")]
    return str((from_server or reasons)[-1]).removeprefix("FATAL:").strip()
