"""What the Pulumi engine calls to make, compare, read and delete a pg_cron job.

The engine loads this class in a process of its own (``python -m pulumi.dynamic``), by
the names of module and class that stand in the state of every stack. Under other names
a stack could neither change nor delete its jobs any more: keep them, and keep the
constructor empty.

The work is done by `deploy.crons`, as the checklist does it. It is imported late, since
the program itself needs none of it.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

from infra.catalog.pg_crons import PgCronJob
from infra.naming import PROJECT

if TYPE_CHECKING:
    from deploy.crons.single import Seen
    from deploy.crons.state import Connection

VERSION = "1"
"""Raise it when a change of this module, or of `deploy.crons`, has to run over the jobs
that there are: the engine sees a class's name, not its code."""

COMPARED = ("jobname", "schedule", "command", "database", "version")
URL_KEY = f"{PROJECT}:databaseUrl"

# A handler of last resort writes warnings to stderr, which the engine shows.
logger = logging.getLogger(__name__)


class PgCronError(Exception):
    """A job could not be managed: what is wrong, then the next command."""


class PgCronProvider(ResourceProvider):
    """Manages one row of ``cron.job`` for each resource.

    Inputs are ``jobname``, ``schedule``, ``command``, ``version``, and ``stack`` for
    the commands in messages. ``check`` adds ``database``: role and place of the
    connection URL, which itself comes from the stack's configuration and stands in no
    resource. Outputs add ``jobid`` and ``role``, and ``drift`` after a refresh.
    """

    url = ""

    def configure(self, req: ConfigureRequest) -> None:
        """Take the database URL out of the stack's configuration."""
        self.url = req.config.get(URL_KEY) or ""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuse what pg_cron would refuse, or accept and never run."""
        from deploy.crons.definition import problems

        given = {key: news.get(key) for key in ("jobname", "schedule", "command")}
        texts = {key: str(value or "") for key, value in given.items()}
        found = problems(**texts, now=datetime.now(UTC))
        failures = [
            CheckFailure(key, wrong)
            for key, wrong in found.items()
            if given[key] != UNKNOWN
        ]
        inputs = {**news}
        try:
            inputs["database"] = self._place(news)
        except PgCronError as error:
            failures.append(CheckFailure("database", str(error)))
        return CheckResult(inputs, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare what was read or made last with what is declared.

        Another name is another job. Anything else, another database too, is settled in
        place.
        """
        changed = [key for key in COMPARED if olds.get(key) != news.get(key)]
        return DiffResult(
            changes=bool(changed or olds.get("drift")),
            replaces=[key for key in changed if key == "jobname"],
            delete_before_replace=False,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Schedule and register a job; take one that is ours as it is.

        Raises:
            PgCronError: A job of that name is somebody else's, or pg_cron refuses it.
        """
        return CreateResult(props["jobname"], self._settled(props))

    def update(
        self, _id: str, olds: dict[str, Any], news: dict[str, Any]
    ) -> UpdateResult:
        """Bring a job to its declaration; it keeps its ``jobid`` where it can.

        Raises:
            PgCronError: The job is somebody else's by now, or pg_cron refuses it.
        """
        settled = self._settled(news)
        if olds.get("database") != settled["database"]:
            logger.warning(
                "%s: now scheduled in %s; what was scheduled in %s stays there, unless"
                " it is the same database: select cron.unschedule('%s');",
                news["jobname"],
                settled["database"],
                olds.get("database"),
                news["jobname"],
            )
        return UpdateResult(settled)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Find a job as it is, for ``pulumi refresh``; an empty id says it is gone.

        Where the configuration names another database by now, nothing is known of a
        job: it stays as it was, and `diff` tells.

        Raises:
            PgCronError: The database does not answer, or does not tell.
        """
        from deploy.crons import single

        if props.get("database") != self._place(props):
            return ReadResult(id_, {**props})
        with self._connected(props) as conn:
            seen = single.look(conn, _declared(props))
        if seen is None:
            return ReadResult("", {})
        found = {**_plain(props), "schedule": seen.schedule, "command": seen.command}
        inputs = {key: found[key] for key in (*COMPARED, "stack") if key in found}
        # The reasons are shown by a preview only if they stand among the inputs.
        drift = {"drift": list(seen.drift)} if seen.drift else {}
        return ReadResult(id_, _outputs(found, seen), {**inputs, **drift})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Unschedule a job; one that is gone, or not ours, is left as it is.

        Raises:
            PgCronError: The database does not answer, or is another one.
        """
        from deploy.crons import single

        if props.get("database") != self._place(props):
            raise PgCronError(
                f"{props['jobname']} was scheduled in {props.get('database')} and"
                f" {URL_KEY} names {self._place(props)}; nothing was changed\n"
                f"-> pulumi up --stack {props.get('stack')}"
            )
        try:
            with self._connected(props) as conn:
                nothing = single.remove(conn, props["jobname"])
        except PgCronError as error:
            raise PgCronError(
                f"{error}\n-> if that database is gone for good, forget the job:"
                f" pulumi state delete --stack {props.get('stack')}"
            ) from None
        if nothing:
            logger.warning(nothing)

    def _settled(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Bring a job to its declaration; give the outputs."""
        from deploy.crons import single

        with self._connected(props) as conn:
            seen = single.settle(conn, _declared(props))
        return _outputs({**_plain(props), "database": self._place(props)}, seen)

    def _place(self, props: Mapping[str, Any]) -> str:
        """Name role and place of the configured database, without the password."""
        from deploy.database import redact, user_and_host
        from deploy.errors import UsageError

        wrong = "is missing: it is not known where to schedule jobs"
        try:
            if self.url:
                user_and_host(self.url)
                return redact(self.url).removeprefix("postgresql://")
        except UsageError as error:
            wrong = str(error)
        raise PgCronError(
            f"{URL_KEY}: {wrong}\n"
            f"-> pulumi config set --secret databaseUrl --stack {props.get('stack')}"
        )

    @contextmanager
    def _connected(self, props: Mapping[str, Any]) -> Iterator["Connection"]:
        """Connect; tell every failure in words that hold no secret."""
        from deploy.database import connect
        from deploy.errors import DeployError

        self._place(props)
        try:
            with connect(self.url, application_name="kiloscale pulumi") as conn:
                yield conn
        except DeployError as error:
            remedy = error.remedy or "run the same command again"
            if remedy.startswith("./bootstrap"):
                remedy = f"{remedy} --stack {props.get('stack')}"
            # The engine prints the whole chain of causes, and this text says it all.
            raise PgCronError(f"{error}\n-> {remedy}") from None


def _declared(props: Mapping[str, Any]) -> PgCronJob:
    """Give a job as the catalog would declare it."""
    return PgCronJob(
        name=props["jobname"],
        schedule=props["schedule"],
        command=props["command"],
        purpose="",
        dry_run="",
    )


def _plain(props: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the server of dynamic providers adds itself, and what was read."""
    return {key: value for key, value in props.items() if key in (*COMPARED, "stack")}


def _outputs(props: Mapping[str, Any], seen: "Seen") -> dict[str, Any]:
    """Give the outputs of a job: numbers would become floating-point ones."""
    return {
        **props,
        "jobid": str(seen.jobid),
        "role": seen.role,
        "drift": list(seen.drift),
    }
