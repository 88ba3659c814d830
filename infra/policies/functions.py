"""Rules on functions: that each can start, with what it needs and nothing else."""

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from infra.catalog.services import SERVICES
from infra.policies.resources import (
    Finding,
    Registered,
    Resources,
    Rule,
    is_known,
    may,
    statements,
)
from infra.policies.wiring import role_name, role_of, variables

FUNCTION = "lambda/function:Function"

DEPRECATED_ON: Mapping[str, date] = {
    "python3.9": date(2025, 12, 15),
    "python3.10": date(2026, 10, 31),
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
"""When Lambda stops mending a runtime; creating functions is refused soon after
(Lambda developer guide, "Lambda runtimes"; read 2026-11 as cfn-lint 1 records it)."""

ROOT = Path(__file__).resolve().parents[2]
"""What a zip's paths are relative to: the archive keeps those of the repository."""


def runtimes_are_supported(resources: Resources) -> Iterator[Finding]:
    """Find runtimes that AWS no longer mends, or will soon refuse."""
    today = datetime.now(UTC).date()
    for function in resources.of(FUNCTION):
        runtime = str(function.get("runtime"))
        until = DEPRECATED_ON.get(runtime)
        if until is None:
            what = f"runtime {runtime}: known are {', '.join(DEPRECATED_ON)}"
            yield function.finding(runtimes_are_supported, what)
        elif until < today:
            what = f"runtime {runtime} is deprecated since {until}: no security fixes"
            yield function.finding(runtimes_are_supported, what)


def functions_share_one_build(resources: Resources) -> Iterator[Finding]:
    """Find functions whose zip was built for another machine or Python."""
    built: dict[tuple[str, str], list[Registered]] = {}
    for function in resources.of(FUNCTION):
        key = str(function.get("runtime")), str(function.get("architectures"))
        built.setdefault(key, []).append(function)
    usual = max(built, key=lambda key: len(built[key]), default=None)
    for key, functions in built.items():
        for function in functions if key != usual else []:
            what = f"runs on {' '.join(key)}; the zips were built for one target"
            yield function.finding(functions_share_one_build, what)


def handlers_exist(resources: Resources) -> Iterator[Finding]:
    """Find functions that fail at each start, since their handler is not there."""
    for function in resources.of(FUNCTION):
        handler = str(function.get("handler"))
        module, _, name = handler.rpartition(".")
        path = ROOT / f"{module.replace('.', '/')}.py"
        if not path.is_file():
            what = f"handler {handler}: there is no {path.relative_to(ROOT)}"
            yield function.finding(handlers_exist, what)
        elif name not in _defined(path):
            what = f"handler {handler}: {path.relative_to(ROOT)} defines no {name}"
            yield function.finding(handlers_exist, what)


def functions_have_their_settings(resources: Resources) -> Iterator[Finding]:
    """Find environments that lack what a function reads, or tell it more."""
    settings = {service.name: set(service.settings) for service in SERVICES}
    for function in resources.of(FUNCTION):
        given = set(variables(function))
        if function.name not in settings or not given:
            continue
        wanted = settings[function.name]
        if missing := sorted(wanted - given):
            what = f"variables {', '.join(missing)} are missing: it does not start"
            yield function.finding(functions_have_their_settings, what)
        if extra := sorted(given - wanted):
            what = f"variables {', '.join(extra)} are read by nobody"
            yield function.finding(functions_have_their_settings, what)


def functions_may_read_their_environment(resources: Resources) -> Iterator[Finding]:
    """Find functions that cannot start: their role may not use the key."""
    for function in resources.of(FUNCTION):
        key, role = function.get("kmsKeyArn"), role_name(resources, function)
        if (
            role
            and key
            and is_known(key)
            and not may(resources, role, "kms:Decrypt", key)
        ):
            what = f"role {role} lacks kms:Decrypt on {key}: it does not start"
            yield function.finding(functions_may_read_their_environment, what)


def functions_may_log(resources: Resources) -> Iterator[Finding]:
    """Find functions whose failures leave no trace."""
    arns = {
        group.get("name"): group.outputs.get("arn")
        for group in resources.of("cloudwatch/logGroup:LogGroup")
    }
    for function in resources.of(FUNCTION):
        logging = function.get("loggingConfig")
        group = logging.get("logGroup") if isinstance(logging, dict) else None
        arn, role = arns.get(group), role_name(resources, function)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if role and arn and not may(resources, role, action, f"{arn}:*"):
                what = f"role {role} lacks {action} on {group}: no trace of a failure"
                yield function.finding(functions_may_log, what)


def functions_may_send_where_they_are_told(resources: Resources) -> Iterator[Finding]:
    """Find functions that know a queue and may not send to it."""
    queues = {
        queue.outputs.get("url"): queue
        for queue in resources.of("sqs/queue:Queue")
        if queue.outputs.get("url")
    }
    for function in resources.of(FUNCTION):
        role = role_name(resources, function)
        for name, value in variables(function).items():
            queue = queues.get(value) if isinstance(value, str) else None
            if not queue or not role:
                continue
            if not may(resources, role, "sqs:SendMessage", queue.outputs.get("arn")):
                what = f"{name} is {queue.name}, where role {role} may not send"
                yield function.finding(functions_may_send_where_they_are_told, what)


def roles_are_assumed_by_their_user(resources: Resources) -> Iterator[Finding]:
    """Find roles that the service which is given them cannot assume."""
    users = [
        (function, function.get("role"), "lambda.amazonaws.com")
        for function in resources.of(FUNCTION)
    ]
    for schedule in resources.of("scheduler/schedule:Schedule"):
        target = schedule.get("target")
        arn = target.get("roleArn") if isinstance(target, dict) else None
        users.append((schedule, arn, "scheduler.amazonaws.com"))
    for user, arn, principal in users:
        role = role_of(resources, arn)
        if role is None or role.is_unknown("assumeRolePolicy"):
            continue
        trusted = str(statements(role, "assumeRolePolicy"))
        if principal not in trusted:
            what = f"{principal} cannot assume its role {role.get('name')}"
            yield user.finding(roles_are_assumed_by_their_user, what)


@cache
def _defined(path: Path) -> frozenset[str]:
    """Give the functions and names that a module defines at its top."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return frozenset(found)


RULES: tuple[Rule, ...] = (
    runtimes_are_supported,
    functions_share_one_build,
    handlers_exist,
    functions_have_their_settings,
    functions_may_read_their_environment,
    functions_may_log,
    functions_may_send_where_they_are_told,
    roles_are_assumed_by_their_user,
)
