"""Receipts: what a deploy looked at, saw and did, chained so that edits show.

Each is a JSON document and a Markdown page in the stack's records. A document holds the
SHA-256 of itself and of the one before it. A deploy that changed something also leaves
a copy in the database, in ``kiloscale.receipts``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy import advisory
from deploy.checklist import Report
from deploy.ledger import now
from deploy.local.files import private_folder, write_private

FOLDER = "receipts"

SAVE = """
insert into kiloscale.receipts (stack, number, sha256, previous, document)
values (%(stack)s, %(number)s, %(sha256)s, %(previous)s, %(document)s::jsonb)
on conflict do nothing
"""
KNOWS_RECEIPTS = "select to_regclass('kiloscale.receipts') is not null"

Document = dict[str, Any]


def write(
    records: Path, report: Report, started_at: str, commit: str | None
) -> Document:
    """Write the next receipt of a stack.

    Args:
        records: The stack's records.
        report: What was done.
        started_at: When it began, in UTC.
        commit: The commit of the working tree, or ``None``.

    Returns:
        The document.
    """
    before = load_all(records)
    document: Document = {
        "number": before[-1]["number"] + 1 if before else 1,
        "stack": report.target,
        "by": advisory.whoami(),
        "commit": commit,
        "started_at": started_at,
        "ended_at": now(),
        "previous": before[-1]["sha256"] if before else None,
        "report": json.loads(json.dumps(report.as_json(), default=str)),
    }
    document["sha256"] = digest(document)
    folder = private_folder(records / FOLDER)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    write_private(folder / f"{name(document)}.json", text + "\n")
    write_private(folder / f"{name(document)}.md", "\n".join(markdown(document)) + "\n")
    return document


def save(url: str, document: Mapping[str, Any]) -> bool:
    """Leave a copy in the stack's database.

    Returns:
        Whether there is a table for it.
    """
    from deploy.database import connect, explained

    with connect(url) as connection, explained(connection, "saving the receipt"):
        known = connection.execute(KNOWS_RECEIPTS).fetchone()
        if not (known and known[0]):
            return False
        values = {**document, "document": json.dumps(document)}
        connection.execute(SAVE, values)
    return True


def digest(document: Mapping[str, Any]) -> str:
    """Digest a document without its own digest.

    >>> digest({"number": 1, "sha256": "anything"}) == digest({"number": 1})
    True
    """
    content = {key: value for key, value in document.items() if key != "sha256"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def name(document: Mapping[str, Any]) -> str:
    """Name a document's files, so that they sort by number."""
    return f"{document['number']:06d}"


def load_all(records: Path) -> list[Document]:
    """Read a stack's receipts in order; a damaged one comes without its content."""
    return [_read(path) for path in sorted((records / FOLDER).glob("[0-9]*.json"))]


def _read(path: Path) -> Document:
    """Read one receipt; a damaged one keeps its number and fails `problems`."""
    try:
        document = json.loads(path.read_text())
        if {"number", "sha256", "previous", "report"} <= set(document):
            return dict(document)
    except (ValueError, TypeError):
        pass  # damaged: as one whose content is missing
    return {"number": int(path.stem), "sha256": "", "previous": None, "report": None}


def newest(records: Path) -> Path | None:
    """Give the page of the newest receipt."""
    return max((records / FOLDER).glob("[0-9]*.md"), default=None)


def problems(documents: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Find what breaks the chain, by number of the receipt.

    Returns:
        Empty if each document is what was written, and none is missing in between.
    """
    found: dict[int, str] = {}
    previous: Mapping[str, Any] | None = None
    for document in documents:
        number = document["number"]
        if digest(document) != document["sha256"]:
            found[number] = "its content is not what was written"
        elif previous and number != previous["number"] + 1:
            found[number] = f"receipt {previous['number'] + 1} before it is missing"
        elif previous and document["previous"] != previous["sha256"]:
            found[number] = f"it does not follow receipt {previous['number']} as it is"
        previous = document
    return found


def markdown(document: Mapping[str, Any]) -> list[str]:
    """Write a receipt as a page for people."""
    report = document["report"]
    changed = "changed" if report["changed"] else "nothing changed"
    outcome = f"{report['status']}, exit {report['exit_code']}, {changed}"
    lines = [
        f"# Receipt {document['number']}: {report['task']} {document['stack']}",
        "",
        f"- {document['started_at']} to {document['ended_at']}, by {document['by']}",
        f"- commit {document['commit'] or 'unknown'}",
        f"- {outcome}, {report['ms'] / 1000:.1f} s",
        f"- SHA-256 `{document['sha256']}`",
        f"- before it `{document['previous'] or 'none'}`",
    ]
    for check in report["checks"]:
        lines += ["", f"## {check['id']}: {check['status']} ({check['ms']:.0f} ms)", ""]
        lines += [check["title"]]
        if check["remedy"]:
            lines += ["", f"Next: `{check['remedy']}`"]
        if check["evidence"]:
            evidence = json.dumps(check["evidence"], indent=2, ensure_ascii=False)
            lines += ["", "```json", evidence, "```"]
    return lines
