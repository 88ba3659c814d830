"""Measures the plan's limits and says what is close. Triggers: a schedule and GET."""

import logging
import os
from functools import cache
from typing import Any

import msgspec

from functions.health_check import page
from functions.health_check.cloudwatch import CloudWatch
from functions.health_check.health import Report, check
from functions.health_check.settings import Settings
from functions.routes import HEALTH_CHECK
from functions.shared import auth, function_url
from functions.shared.application import Application
from functions.shared.database import Database, SingleConnection
from functions.shared.http import HttpError, Request, Response, json_response
from functions.shared.logging import configure, request_id

logger = logging.getLogger(__name__)


def application(settings: Settings, database: Database) -> Application:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: What it measures.
    """
    cloudwatch = CloudWatch()

    def respond(request: Request) -> Response:
        caller = auth.authenticate(request.headers, settings.credentials)
        if caller.user_id is not None:
            detail = "this is for the internal key or a service-role token"
            raise HttpError(403, "Forbidden", detail)
        report = check(database, cloudwatch, settings)
        # A monitor that looks at the status alone must see a database that is away.
        status = 503 if report.metrics["database_bytes"].error else 200
        if "text/html" in request.headers.get("accept", ""):
            headers = {"content-type": "text/html; charset=utf-8"}
            return Response(status=status, headers=headers, body=page.render(report))
        return json_response(status, report)

    return Application(HEALTH_CHECK, respond)


@cache
def _service() -> tuple[Settings, Database, Application]:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("health_check")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "health_check")
    return settings, database, application(settings, database)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request of the function URL, or run for the schedule.

    Args:
        event: Payload format 2.0, or whatever the schedule sends.
        context: Lambda context.

    Returns:
        The HTTP answer; for the schedule the report.
    """
    settings, database, http = _service()
    if "requestContext" in event:
        return function_url.answer(http, event)
    request_id.set(context.aws_request_id)
    report = check(database, CloudWatch(), settings)
    _log(report, event.get("schedule"))
    built: dict[str, Any] = msgspec.to_builtins(report)
    return built


def _log(report: Report, schedule: str | None) -> None:
    """Log the outcome; the alerts stand there for whoever reads logs only.

    verify-crons finds the runs of a schedule by its name in the log.
    """
    alerts = [f"{alert.metric}: {alert.message}" for alert in report.metrics["alerts"]]
    fields = {"status": report.status, "alerts": alerts, "schedule": schedule}
    logger.info("health checked", extra={"fields": fields})
