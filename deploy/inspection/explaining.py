"""The plan of a statement, what it touched, and which tables it reads as a whole."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.inspection.access import Connection, facts

ANALYZE = "explain (analyze, buffers, format json) "
PLAN_ONLY = "explain (format json) "

# A node that PostgreSQL would not choose costs so much that any index is preferred.
_WITHOUT_SCANS = "select set_config('enable_seqscan', %s, true)"

_KNOWN = """
select c.relname as name, r.relname as root,
       array(select pg_get_indexdef(o.indexrelid, 1, true) from pg_index o
              where o.indrelid = i.indrelid and o.indisvalid
                and (o.indpred is null or o.indexrelid = i.indexrelid)) as leading,
       coalesce(t.relname, r.relname) as table
  from pg_class c
  join pg_class r on r.oid = coalesce(pg_partition_root(c.oid), c.oid)
  left join pg_index i on i.indexrelid = c.oid
  left join pg_class t on t.oid = coalesce(pg_partition_root(i.indrelid), i.indrelid)
 where c.relname = any (%(names)s)
"""

Parameters = Mapping[str, object] | Sequence[object]
Node = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the catalog says of a table or index of a plan.

    Attributes:
        name: Its name, bare.
        root: The name under which a person knows it: that of the whole if it is a
            partition.
        table: The same of its table; its own for a table.
        leading: Of an index, the first key of each that its table has; none for a
            table.
    """

    name: str
    root: str
    table: str
    leading: list[str] = field(default_factory=list)

    def finds(self, condition: str) -> bool:
        """Whether an index of its table begins with a key of a condition."""
        return any(_mentions(condition, key) for key in self.leading)


@dataclass(frozen=True, kw_only=True)
class Explained:
    """How PostgreSQL executes a statement.

    Attributes:
        plan: The root node of the plan.
        ms: Time of execution; ``None`` if it was not run.
        planning_ms: Time of planning.
        pages: Pages of 8 kB that it touched, found in memory or not.
        pages_read: Those that were not in shared buffers.
        rows: Rows that it gave.
        known: Its tables and indexes, by their names in the plan.
    """

    plan: Node
    ms: float | None = None
    planning_ms: float | None = None
    pages: int = 0
    pages_read: int = 0
    rows: int = 0
    known: Mapping[str, Known] = field(default_factory=dict)

    @property
    def indexes(self) -> list[str]:
        """Names of the indexes that it reads, in the order of the plan."""
        names = (str(n["Index Name"]) for n in nodes(self.plan) if "Index Name" in n)
        return list(dict.fromkeys(map(self._root, names)))

    @property
    def scanned(self) -> list[str]:
        """Names of the tables, or whole indexes of them, that it reads, sorted.

        A condition on a later key of an index finds nothing by it: all is read. That
        is so for good where the table has no index that begins with the key; among the
        indexes of a small table the planner has no favourite.
        """
        found = set()
        for node in nodes(self.plan):
            index = self.known.get(str(node.get("Index Name")))
            condition = str(node.get("Index Cond", ""))
            if node["Node Type"] == "Seq Scan" and "Relation Name" in node:
                found.add(self._root(str(node["Relation Name"])))
            elif index and condition and not index.finds(condition):
                found.add(index.table)
        return sorted(found)

    def _root(self, name: str) -> str:
        """Give the name under which a person knows a partition."""
        return self.known[name].root if name in self.known else name


def nodes(root: Node) -> Iterator[Node]:
    """Walk over a plan, the root first."""
    yield root
    for child in root.get("Plans", ()):
        yield from nodes(child)


def _mentions(condition: str, key: str) -> bool:
    """Whether a condition is on a key: its name stands there, not a part of another.

    >>> [_mentions(each, "id") for each in ("((a = 1) AND (id > $1))", "(chat_id = 1)")]
    [True, False]
    """
    return re.search(rf"(?<![\w.]){re.escape(key)}(?!\w)", condition) is not None


def _known(connection: Connection, root: Node) -> dict[str, Known]:
    """Read what the catalog says of the tables and indexes of a plan."""
    names = [
        str(node[kind])
        for node in nodes(root)
        for kind in ("Index Name", "Relation Name")
        if kind in node
    ]
    found = facts(connection, Known, _KNOWN, {"names": names})
    return {each.name: each for each in found}


def run(connection: Connection, statement: str, parameters: Parameters) -> Explained:
    """Run a statement and measure it."""
    return _explained(connection, ANALYZE + statement, parameters)


def plan(connection: Connection, statement: str, parameters: Parameters) -> Explained:
    """Plan a statement; run nothing."""
    return _explained(connection, PLAN_ONLY + statement, parameters)


def plan_without_scans(
    connection: Connection, statement: str, parameters: Parameters
) -> Explained:
    """Plan a statement as if its tables were large: by an index wherever one serves.

    Args:
        connection: In a transaction; an error there takes the setting back as well.
        statement: What is planned.
        parameters: Its parameters.
    """
    connection.execute(_WITHOUT_SCANS, ("off",))
    found = plan(connection, statement, parameters)
    connection.execute(_WITHOUT_SCANS, ("on",))
    return found


def _explained(
    connection: Connection, statement: str, parameters: Parameters
) -> Explained:
    """Read the one document that EXPLAIN gives."""
    [(documents,)] = connection.execute(statement, parameters).fetchall()
    document: Node = documents[0]
    root: Node = document["Plan"]
    read = int(root.get("Shared Read Blocks", 0))
    return Explained(
        plan=root,
        ms=document.get("Execution Time"),
        planning_ms=document.get("Planning Time"),
        pages=int(root.get("Shared Hit Blocks", 0)) + read,
        pages_read=read,
        rows=int(root.get("Actual Rows", 0)),
        known=_known(connection, root),
    )


def outline(root: Node, depth: int = 0) -> Iterator[str]:
    """Write a plan as indented lines, without any value of a row or a parameter."""
    name = str(root["Node Type"])
    if "Index Name" in root:
        name += f" using {root['Index Name']}"
    if "Relation Name" in root:
        name += f" on {root['Relation Name']}"
    told = []
    if "Actual Rows" in root:
        loops = int(root.get("Actual Loops", 1))
        told.append(f"{int(root['Actual Rows']):,} rows")
        if loops != 1:
            told.append(f"{loops:,} times")
        told.append(f"{root['Actual Total Time']:.3f} ms")
        told.append(f"{root['Shared Hit Blocks'] + root['Shared Read Blocks']:,} pages")
    else:
        told.append(f"cost {root['Total Cost']:,.0f}")
    yield f"{'  ' * depth}{name}: {', '.join(told)}"
    for child in root.get("Plans", ()):
        yield from outline(child, depth + 1)
