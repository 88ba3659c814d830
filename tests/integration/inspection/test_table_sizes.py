"""``db.table-sizes`` in a real database."""

import pytest

from deploy.checklist import Status
from deploy.inspection import table_sizes

pytestmark = pytest.mark.integration

MIB = 1024**2


def test_the_parts_add_up_to_the_size_of_the_database(database, seen):
    found = seen(table_sizes.look)

    total = found["total.database"].evidence
    parts = sum(
        each.evidence["bytes"]
        for id_, each in found.items()
        if id_.startswith(("public.", "kiloscale.", "rest."))
    )
    assert parts == total["tables_bytes"]
    assert 0 < total["beside_bytes"] < MIB
    [(real,)] = database.execute("select pg_database_size(current_database())")
    assert abs(total["database_bytes"] - real) < MIB


def test_partitions_count_with_their_parent_and_long_values_with_their_table(
    database, seen
):
    database.execute(
        "alter table messages alter text set storage external;"
        "insert into conversations (id, user_id) select c, c from (values"
        " (gen_random_uuid())) v (c) where false;"
        "insert into edge_function_logs (function_name, level, created_at)"
        " select 'f', 'info', now() - interval '1 day' * (n % 2)"
        " from generate_series(1, 3000) n;"
        "create table long_text (t text);"
        "alter table long_text alter t set storage external;"
        "insert into long_text select repeat('x', 9000) from generate_series(1, 20);"
        "analyze"
    )

    found = seen(table_sizes.look)

    logs = found["public.edge_function_logs"].evidence
    assert logs["rows_estimated"] == 3000
    assert logs["partitions"] > 7
    long = found["public.long_text"].evidence
    assert long["toast_bytes"] > 180_000 > long["heap_bytes"]


def test_growth_is_read_from_snapshots_of_either_shape(database, seen):
    database.execute(
        "create table filled as select n, repeat('x', 100) from"
        " generate_series(1, 2000) n"
    )
    database.execute(
        "insert into kiloscale.health_snapshots values"
        " (now() - interval '25 hours', 1000000,"
        '  \'{"folded": {"public.filled": {"bytes": 100000, "rows": 1}}}\'),'
        " (now() - interval '8 days', 500000,"
        '  \'{"tables": [{"table": "public.filled", "bytes": 50000}]}\')'
    )

    found = seen(table_sizes.look)

    filled = found["public.filled"].evidence
    assert filled["growth_bytes"] == {
        "1d": filled["bytes"] - 100_000,
        "7d": filled["bytes"] - 50_000,
    }
    total = found["total.database"].evidence
    assert total["growth_bytes"]["1d"] == total["database_bytes"] - 1_000_000
    assert "total.growth" not in found


def test_growth_without_a_snapshot_is_skipped_with_the_reason(seen):
    growth = seen(table_sizes.look)["total.growth"]

    assert growth.status is Status.SKIPPED
    assert "no snapshot is a day old" in growth.title


def test_a_snapshot_has_each_table_once(database):
    database.execute(
        "insert into edge_function_logs (function_name, level)"
        " select 'f', 'info' from generate_series(1, 2000) n"
    )

    [(detail,)] = database.execute("select detail from kiloscale.health_now()")

    logs = detail["folded"]["public.edge_function_logs"]["bytes"]
    parts = [one for one in detail["tables"] if "edge_function_logs_p" in one["table"]]
    assert logs > max(one["bytes"] for one in parts)
    assert set(detail) == {
        *("tables", "folded", "outbox", "connections", "cache_hit_ratio"),
        *("invalid_indexes", "failed_runs_24h"),
    }
