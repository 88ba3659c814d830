"""No retention job names, deletes, truncates or drops a table of user data."""

import json
import re

import pytest
from pglast import parse_plpgsql, parse_sql
from pglast.ast import CreateFunctionStmt
from pglast.visitors import Visitor

from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import PG_CRON_JOBS

PROTECTED = {
    "report_logs",
    "translator_logs",
    "user_images",
    "image_generation_log",
    "objects",  # storage.objects
}
MAY_DELETE = {
    "cron.job_run_details",
    "kiloscale.health_snapshots",
    "kiloscale.run_log",
    "public.messages",
}
"""What a job deletes from by name: its own history, and messages that it moves."""
MAY_SLICE = {"public.edge_function_logs", "public.stripe_webhook_events", "part"}
"""What is handed to delete_slice; `part` is a partition of edge_function_logs."""
MAY_DROP = {"part"}


def functions():
    """Give the newest body of each function of the migrations, with its language."""
    found = {}
    for file in sorted((REPOSITORY / "migrations").glob("*.sql")):
        for raw in parse_sql(file.read_text()):
            if isinstance(raw.stmt, CreateFunctionStmt):
                name = ".".join(part.sval for part in raw.stmt.funcname)
                options = {option.defname: option.arg for option in raw.stmt.options}
                start = raw.stmt_location
                text = file.read_bytes()[start : start + raw.stmt_len].decode()
                body = options["as"][0].sval
                found[name] = (options["language"].sval, body, text.strip())
    return found


def of_jobs(every):
    """Give the functions that the declared jobs call, directly or not."""
    waiting = re.findall(
        r"(kiloscale\.\w+)", " ".join(job.command for job in PG_CRON_JOBS)
    )
    reached = {}
    while waiting:
        name = waiting.pop()
        if name in every and name not in reached:
            reached[name] = every[name]
            waiting += re.findall(r"((?:kiloscale|public)\.\w+)", every[name][1])
    return reached


class Targets(Visitor):
    """Collects what statements delete from, truncate or drop."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def visit_DeleteStmt(self, _, node):
        self.found.add(f"{node.relation.schemaname}.{node.relation.relname}")

    def visit_TruncateStmt(self, _, node):
        self.found |= {f"{each.schemaname}.{each.relname}" for each in node.relations}

    def visit_DropStmt(self, _, node):
        self.found.add(str(node.objects))


def queries(language, body, text):
    """Give the static statements of a function."""
    if language == "sql":
        return [body]
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("query"), str):
                found.append(node["query"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(json.dumps(parse_plpgsql(text))))
    return found


def problems(name, language, body, text):
    """Say what a function must not hold."""
    without_comments = re.sub(r"--[^\n]*", "", body)
    words = set(re.findall(r"\w+", without_comments))
    found = [f"{name} names {table}" for table in sorted(PROTECTED & words)]
    targets = Targets()
    for query in queries(language, body, text):
        if re.match(r"\s*(with|delete|truncate|drop|insert|select)\b", query, re.I):
            targets(parse_sql(query))
    found += [f"{name} deletes {table}" for table in targets.found - MAY_DELETE]
    dynamic = re.findall(r"delete from (?:only )?([\w.%$]+)", without_comments, re.I)
    found += [
        f"{name} deletes {table}"
        for table in dynamic
        if table not in MAY_DELETE
        and not (table in ("%s", "%2$s") and name == "kiloscale.delete_slice")
        and table != "kiloscale.messages_archive"
    ]
    dropped = re.findall(r"'drop table %s', (\w+)", without_comments)
    found += [f"{name} drops {each}" for each in dropped if each not in MAY_DROP]
    if ("drop" in words and not dropped) or "truncate" in words:
        found.append(f"{name} drops or truncates something else")
    return found


def test_the_functions_of_the_jobs_are_all_looked_at():
    names = of_jobs(functions()).keys()

    assert len(names) > 20
    assert {
        "kiloscale.clean_edge_function_logs",
        "kiloscale.delete_slice",
        "kiloscale.webhook_event_step",
        "kiloscale.reclaim_step",
        "kiloscale.history_step",
    } <= names - {""} | {"kiloscale.delete_slice"}


def test_no_function_of_a_job_names_or_deletes_user_data():
    found = [
        problem
        for name, (language, body, text) in of_jobs(functions()).items()
        for problem in problems(name, language, body, text)
    ]

    assert found == []


def test_only_logs_and_webhook_events_are_handed_to_what_deletes_slices():
    handed = {
        first.strip("'")
        for _, body, _ in of_jobs(functions()).values()
        for first in re.findall(r"kiloscale\.delete_slice\(\s*('?[\w.]+'?)", body)
    }

    assert handed == MAY_SLICE


@pytest.mark.parametrize(
    "body",
    [
        "begin delete from public.user_images; end",
        "begin execute 'truncate public.report_logs'; end",
        "begin execute format('drop table %s', victim); end",
        "begin execute format('delete from %s', 'x'); end",
        "begin delete from public.profiles where true; end",
        "begin with x as (delete from storage.objects returning 1) select 1; end",
    ],
)
def test_a_function_that_did_would_be_found(body):
    text = (
        "create function kiloscale.planted() returns void language plpgsql"
        f" as $f$ {body} $f$"
    )

    assert problems("kiloscale.planted", "plpgsql", body, text)
