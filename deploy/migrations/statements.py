"""SQL text taken apart into statements, by PostgreSQL's own parser."""

import re
from dataclasses import dataclass

import pglast
from pglast import ast
from pglast.parser import ParseError


class UnparsableError(ValueError):
    """A text is not SQL.

    Attributes:
        line: Line of the first error, from 1.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, kw_only=True)
class IndexBuild:
    """What a ``CREATE INDEX CONCURRENTLY`` makes.

    Attributes:
        schema: Schema of the table, and so of the index; ``None`` if not named.
        name: Name of the index; ``None`` if PostgreSQL chooses it.
    """

    schema: str | None
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a file.

    Attributes:
        text: Its text, without the semicolon.
        line: Line of the file on which it begins, from 1.
        needs_no_transaction: Whether PostgreSQL refuses it in a transaction block.
        controls_transaction: Whether it is itself a ``BEGIN``, ``COMMIT`` or the like.
        index: The index that it builds concurrently, if it does.
    """

    text: str
    line: int
    needs_no_transaction: bool
    controls_transaction: bool
    index: IndexBuild | None = None

    @property
    def first_line(self) -> str:
        """Its first line, for a message."""
        return self.text.split("\n", 1)[0].strip()


def split(text: str) -> list[Statement]:
    """Take a text apart.

    Raises:
        UnparsableError: Names the line and the text at which parsing stops.
    """
    try:
        pglast.parse_sql(text)
    except ParseError as error:
        raise _explain(text, error) from error
    slices = pglast.split(text, with_parser=True, only_slices=True)
    return [_statement(text, piece) for piece in slices]


def _explain(text: str, error: ParseError) -> UnparsableError:
    """Say on which line a parse error stands, and what stands there."""
    position = error.args[1] if len(error.args) > 1 else 0
    line = text.count("\n", 0, position) + 1
    offending = text.splitlines()[line - 1].strip() if text else ""
    return UnparsableError(line, f"{error.args[0]}: {offending}")


def _statement(text: str, piece: slice) -> Statement:
    """Describe one statement of a text that parses."""
    start: int = piece.start
    raw = text[piece]
    body = re.sub(r"\A(\s|--[^\n]*(\n|\Z)|/\*.*?\*/)*", "", raw, flags=re.DOTALL)
    start += len(raw) - len(body)
    node = pglast.parse_sql(body)[0].stmt
    return Statement(
        text=body.rstrip(),
        line=text.count("\n", 0, start) + 1,
        needs_no_transaction=_needs_no_transaction(node),
        controls_transaction=isinstance(node, ast.TransactionStmt),
        index=_index(node),
    )


def _needs_no_transaction(node: ast.Node | None) -> bool:
    """Whether a statement fails with 25001 in a transaction block."""
    if isinstance(node, ast.IndexStmt | ast.DropStmt):
        return bool(node.concurrent)
    if isinstance(node, ast.ReindexStmt):
        return any(option.defname == "concurrently" for option in node.params or ())
    if isinstance(node, ast.VacuumStmt):
        return bool(node.is_vacuumcmd)
    return isinstance(node, ast.CreatedbStmt | ast.DropdbStmt | ast.AlterSystemStmt)


def _index(node: ast.Node | None) -> IndexBuild | None:
    if isinstance(node, ast.IndexStmt) and node.concurrent and node.relation:
        return IndexBuild(schema=node.relation.schemaname, name=node.idxname)
    return None
