"""Where a stack's images are served, and the session that moves their addresses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.errors import DeployError, UsageError
from infra.catalog.cdn import EDGE_RULES

Connection = psycopg.Connection[TupleRow]

BUCKETS = tuple(dict.fromkeys(rule.bucket for rule in EDGE_RULES))
SETTINGS = """
select base_url, origin_url, hosts, buckets, is_on from kiloscale.cdn_settings
"""
IS_MIGRATED = """
select to_regprocedure('kiloscale.rewrite_urls(text,text,text,boolean,integer)')
       is not null
"""
SET = "select kiloscale.set_cdn(%s, %s, %s, %s)"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The row of ``kiloscale.cdn_settings``.

    Attributes:
        base_url: Of the CDN.
        origin_url: Of the Supabase project.
        hosts: Whose addresses are replaced.
        buckets: Public buckets that the CDN serves.
        is_on: Whether ``kiloscale.cdn_url`` gives addresses of the CDN.
    """

    base_url: str
    origin_url: str
    hosts: list[str]
    buckets: list[str]
    is_on: bool = True

    @property
    def every_host(self) -> list[str]:
        """All hosts of images, the CDN's too."""
        return [*self.hosts, host_of(self.base_url)]


@contextmanager
def opened(deployment: Deployment, doing: str) -> Iterator[Connection]:
    """Open a session that may commit in between.

    Raises:
        DeployError: The migration is not applied, or the connection fails.
        UsageError: A transaction pooler stands in between.
    """
    from deploy.database import connect, explained
    from deploy.migrations.session import refuse_pooler_port, reset

    url = deployment.database_url()
    refuse_pooler_port(url)
    with connect(url) as conn, explained(conn, doing):
        row = conn.execute(IS_MIGRATED).fetchone()
        if not (row and row[0]):
            raise DeployError(
                "the database has no kiloscale.rewrite_urls; nothing was changed",
                remedy="./bootstrap deploy --only migrations",
            )
        reset(conn)
        yield conn


def recorded(conn: Connection) -> Settings | None:
    """Give what the database knows of the CDN; ``None`` for nothing."""
    with conn.cursor(row_factory=class_row(Settings)) as cursor:
        return cursor.execute(SETTINGS).fetchone()


def declared(deployment: Deployment, hosts: tuple[str, ...]) -> Settings:
    """Give what the stack's file says of its CDN.

    Args:
        deployment: The stack.
        hosts: More hosts whose addresses are replaced.

    Raises:
        UsageError: The stack has no CDN, or a host is none.
    """
    from deploy.cdn.site import find

    site = find(deployment)
    if isinstance(site, Result):
        raise UsageError(
            f"{site.title.removeprefix('skipped: ')}; nothing was changed",
            remedy=site.remedy,
        )
    for each in hosts:
        if each != host_of(f"https://{each}") or "." not in each:
            raise UsageError(
                f"--from-host {each!r} must be a host in lower case, e.g."
                " images.example.com; nothing was changed",
                remedy="./bootstrap cdn.rewrite-urls --help",
            )
    return Settings(
        base_url=site.base_url,
        origin_url=site.origin_url,
        hosts=[host_of(site.origin_url), *hosts],
        buckets=list(BUCKETS),
    )


def with_earlier(wanted: Settings, before: Settings | None) -> Settings:
    """Add the hosts that addresses were moved from, and to, before."""
    hosts = {*wanted.hosts, *(before.every_host if before else ())}
    return Settings(
        base_url=wanted.base_url,
        origin_url=wanted.origin_url,
        hosts=sorted(hosts - {host_of(wanted.base_url)}),
        buckets=wanted.buckets,
    )


def keep(conn: Connection, wanted: Settings) -> bool:
    """Write what ``kiloscale.cdn_url`` reads; give whether it changed anything."""
    row = conn.execute(
        SET, (wanted.base_url, wanted.origin_url, wanted.hosts, wanted.buckets)
    ).fetchone()
    return bool(row and row[0])


def host_of(url: str) -> str:
    """Give host and port of an address, as ``kiloscale.cdn_url_at`` compares them."""
    return urlsplit(url).netloc.lower()
