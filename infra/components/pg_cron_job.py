"""A job of pg_cron in the app's database."""

from dataclasses import dataclass

import pulumi
from pulumi.dynamic import Resource

from infra.naming import PROJECT
from infra.pg_cron_provider import VERSION, PgCronProvider


@dataclass(frozen=True, kw_only=True)
class PgCronJobArgs:
    """Inputs of `PgCronJob`.

    Attributes:
        stack: Name of the stack, for the commands in messages.
        job: Name in ``cron.job``. Another name is another job.
        schedule: Five cron fields, in UTC.
        command: The SQL that pg_cron runs: one statement.
    """

    stack: str
    job: str
    schedule: str
    command: str


class PgCronJob(pulumi.ComponentResource):
    """A job in ``cron.job``, registered as ours; it depends on nothing of AWS.

    Where the job runs, and as which role, comes from the stack's configuration,
    ``databaseUrl``: the migrations must have run there, by the same role. A job of the
    same name that is not registered is somebody else's: the update fails and names the
    command that takes it over. One that the checklist made is ours, and taken as it is.

    Deleting the resource, or the stack, unschedules the job. The data that it would
    have cleaned stays, and so does what the migrations made. ``pulumi destroy`` uses
    the configuration of the last update: after a change of the password, run
    ``pulumi up`` first.

    Attributes:
        name: Name in ``cron.job``.
        jobid: Its number there, in digits.
        database: Role and place of the database, without the password.
    """

    name: pulumi.Output[str]
    jobid: pulumi.Output[str]
    database: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: PgCronJobArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:PgCronJob", name, None, opts)

        job = _Job(name, args, pulumi.ResourceOptions(parent=self))

        self.name = job.jobname
        self.jobid = job.jobid
        self.database = job.database
        self.register_outputs(
            {"name": self.name, "jobid": self.jobid, "database": self.database}
        )


class _Job(Resource, module=PROJECT, name="PgCronJob"):
    """The resource itself; its type token stands in every stack's state."""

    jobname: pulumi.Output[str]
    jobid: pulumi.Output[str]
    database: pulumi.Output[str]

    def __init__(
        self, name: str, args: PgCronJobArgs, opts: pulumi.ResourceOptions
    ) -> None:
        properties = {
            "stack": args.stack,
            "jobname": args.job,
            "schedule": args.schedule,
            "command": args.command,
            "version": VERSION,
            # Outputs have to be named to become attributes.
            "jobid": None,
            "database": None,
        }
        super().__init__(PgCronProvider(), name, properties, opts)
