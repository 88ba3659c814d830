"""The pg_cron jobs: when each runs, what it calls, and how to see that it worked."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PgCronJob:
    """One job in ``cron.job``. Schedules are in UTC.

    Attributes:
        name: ``cron.job.jobname``.
        schedule: Five cron fields.
        command: The SQL that pg_cron runs: one statement, so that a procedure may
            commit (``set ...; call p()`` would be one transaction).
        purpose: What it is for, in a few words.
        dry_run: A ``SELECT`` of one row that shows what a run would do now and
            changes nothing. Columns are named for a person to read.
        grace_s: How late the last success may be before the job is overdue, in s.
        max_run_s: How long a run may take before it counts as stuck, in seconds.
    """

    name: str
    schedule: str
    command: str
    purpose: str
    dry_run: str
    grace_s: int = 900
    max_run_s: int = 600


CLEANUP_EDGE_FUNCTION_LOGS = PgCronJob(
    name="cleanup-edge-function-logs",
    schedule="0 2 * * *",
    command="call kiloscale.clean_edge_function_logs()",
    purpose="keep 7 days of edge_function_logs, make partitions 14 days ahead",
    dry_run="select * from kiloscale.preview_edge_function_logs()",
)
CLEANUP_WEBHOOK_EVENTS = PgCronJob(
    name="cleanup-webhook-events",
    schedule="0 3 * * *",
    command="call kiloscale.clean_webhook_events()",
    purpose="keep 90 days of stripe_webhook_events",
    dry_run="select * from kiloscale.preview_webhook_events()",
)
ARCHIVE_OLD_MESSAGES = PgCronJob(
    name="archive-old-messages",
    schedule="0 4 1 * *",
    command="call kiloscale.run_archive_old_messages()",
    purpose="move the watermark of conversations inactive for 6 months",
    dry_run="select * from kiloscale.preview_archive_old_messages()",
)
RECLAIM_ARCHIVED_MESSAGES = PgCronJob(
    name="reclaim-archived-messages",
    schedule="30 4 * * 0",
    command="call kiloscale.reclaim_archived_messages()",
    purpose="move messages below the watermark to messages_archive",
    dry_run="select * from kiloscale.preview_reclaim_archived_messages()",
    max_run_s=3_600,
)
PURGE_CRON_HISTORY = PgCronJob(
    name="purge-cron-history",
    schedule="15 1 * * *",
    command="call kiloscale.purge_cron_history()",
    purpose="keep 14 days of cron.job_run_details and 90 of kiloscale.run_log",
    dry_run="select * from kiloscale.preview_cron_history()",
)
SNAPSHOT_HEALTH = PgCronJob(
    name="snapshot-health",
    schedule="5 * * * *",
    command="call kiloscale.snapshot_health()",
    purpose="record sizes each hour, for growth and forecast",
    dry_run="select * from kiloscale.preview_health_snapshot()",
)

PG_CRON_JOBS: tuple[PgCronJob, ...] = (
    CLEANUP_EDGE_FUNCTION_LOGS,
    CLEANUP_WEBHOOK_EVENTS,
    ARCHIVE_OLD_MESSAGES,
    RECLAIM_ARCHIVED_MESSAGES,
    PURGE_CRON_HISTORY,
    SNAPSHOT_HEALTH,
)
