import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.logs import obstacles

pytestmark = pytest.mark.integration

KIND = "select relkind::text from pg_class where oid = 'edge_function_logs'::regclass"

CATALOG = """
select jsonb_build_object(
    'columns', (select jsonb_agg(jsonb_build_array(a.attname,
            format_type(a.atttypid, a.atttypmod), a.attidentity, a.attgenerated,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum),
            a.attacl::text) order by a.attname)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid
            and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'comment', obj_description(c.oid),
    'rls', jsonb_build_array(c.relrowsecurity, c.relforcerowsecurity),
    'acl', (select jsonb_agg(x::text order by x::text) from unnest(c.relacl) x),
    'policies', (select jsonb_agg(to_jsonb(p) - 'schemaname' order by p.policyname)
        from pg_policies p where p.tablename = c.relname),
    'triggers', (select jsonb_agg(pg_get_triggerdef(g.oid) order by g.tgname)
        from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal),
    'indexes', (select jsonb_object_agg(x.relname, replace(
            pg_get_indexdef(x.oid), ' ON ONLY ', ' ON '))
        from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid),
    'constraints', (select jsonb_object_agg(k.conname, pg_get_constraintdef(k.oid))
        from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n'),
    'published', (select jsonb_agg(p.pubname) from pg_publication_rel l
        join pg_publication p on p.oid = l.prpubid where l.prrelid = c.oid),
    'view', pg_get_viewdef('public.recent_errors'::regclass),
    'view_rights', (select relacl::text || reloptions::text from pg_class
        where oid = 'public.recent_errors'::regclass))
from pg_class c where c.oid = 'public.edge_function_logs'::regclass
"""


def log(place, moment=None, **columns):
    names = ", ".join(["function_name", *columns])
    marks = ", ".join(["%s"] * (1 + len(columns)))
    values = ["x", *columns.values()]
    if moment:
        names, marks, values = f"{names}, created_at", f"{marks}, %s", [*values, moment]
    return place.value(
        f"insert into public.edge_function_logs ({names}) values ({marks})"
        " returning id",
        *values,
    )


def test_all_that_hangs_on_the_table_is_carried_over_and_comes_back(plain, converts):
    before = plain.value(CATALOG)
    rows = plain.rows("select id, created_at from edge_function_logs order by id")
    newest = rows[-1][0]

    assert converts(plain) == 0

    after = plain.value(CATALOG)
    # The key has to hold the time; that makes it not null.
    assert after["indexes"].pop("edge_function_logs_pkey").endswith("(id, created_at)")
    assert after["constraints"].pop("edge_function_logs_pkey") == (
        "PRIMARY KEY (id, created_at)"
    )
    expected = {
        **before,
        "indexes": {k: v for k, v in before["indexes"].items() if "pkey" not in k},
        "constraints": {
            k: v for k, v in before["constraints"].items() if "pkey" not in k
        },
    }
    assert after == expected
    kept = plain.rows("select id, created_at from edge_function_logs order by id")
    assert kept == rows
    assert log(plain) == newest + 3

    assert converts(plain, undo=True) == 0

    assert plain.value(CATALOG) == before
    assert log(plain) == newest + 6
    assert plain.value("select count(*) from edge_function_logs") == len(rows) + 2
    assert plain.value("select n from log_counts") == len(rows) + 2
    left = plain.rows(
        "select relname::text from pg_class where relname ~ 'edge_function_logs_(p\\d|"
        "next|until|rest)|kiloscale_(next|redirect|before)'"
    )
    assert left == []


def test_lines_go_where_they_belong_and_triggers_fire_once(plain, converts):
    converts(plain)
    before = plain.value("select n from log_counts")

    for days in (-9, 0, 2, 5, 40):
        log(plain, datetime.now(UTC) + timedelta(days=days), level="error")

    assert plain.value("select n from log_counts") == before + 5
    found = plain.rows(
        "select regexp_replace(tableoid::regclass::text, '\\d{8}$', ''), count(*)"
        " from edge_function_logs where function_name = 'x'"
        " and event = '{\"stamped\": true}' and shouted = 'X' group by 1 order by 1"
    )
    assert found == [
        ("kiloscale.edge_function_logs_p", 2),
        ("kiloscale.edge_function_logs_rest", 1),
        ("kiloscale.edge_function_logs_until_", 2),
    ]
    errors = plain.value("select count(*) from edge_function_logs where level='error'")
    assert plain.value("select n from error_count") == errors


def test_the_app_s_roles_write_and_read_as_before(plain, converts):
    converts(plain)

    with plain.conn.transaction(force_rollback=True):
        plain.run("set local role authenticated")
        plain.run(
            "insert into edge_function_logs (function_name, level) values ('a', 'warn')"
        )
        assert plain.value("select count(*) from edge_function_logs") == 2881
        with pytest.raises(psycopg.Error) as caught, plain.conn.transaction():
            plain.run(
                "insert into edge_function_logs (function_name, level)"
                " values ('a', 'secret')"
            )
        assert caught.value.sqlstate == "42501"
    for (part,) in plain.rows(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = 'edge_function_logs'::regclass"
    ):
        assert not plain.value(
            "select has_table_privilege('authenticated', %s, 'select')", part
        )


def test_the_job_works_on_it_and_drops_the_old_part_when_it_is_old(plain, converts):
    converts(plain)
    old = plain.value(
        "select part::text from kiloscale.sliced_log_partitions() where part::text"
        " ~ 'until'"
    )

    plain.run("call kiloscale.clean_edge_function_logs(batch_rows => 500)")

    assert plain.value("select min(created_at) from edge_function_logs") >= (
        datetime.now(UTC) - timedelta(days=7, minutes=1)
    )
    detail = plain.value(
        "select detail from kiloscale.run_log where job = 'cleanup-edge-function-logs'"
        " order by id desc limit 1"
    )
    assert detail["rows_sliced"] == 2880 - 4 * 24 * 7
    assert detail["table"] == "partitioned"
    assert plain.rows(
        "select layout, days_ahead, rows_outside from kiloscale.log_partition_state()"
    ) == [("partitioned", 14, 0)]
    # As if its days had passed.
    late = "select * from kiloscale.expired_log_partitions(now() + interval '%s days')"
    assert old not in [str(part) for (part,) in plain.rows(late % 1)]
    assert str(plain.rows(late % 3)[0][0]) == old


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(plain, converts, capsys):
    before = plain.value(CATALOG)

    assert converts(plain, dry_run=True) == 0

    checks = json.loads(capsys.readouterr().out)["checks"]
    assert checks[1]["title"].startswith("would make partitions by day from")
    assert checks[1]["evidence"]["primary_key"] == "(id, created_at)"
    assert plain.value(CATALOG) == before
    assert (
        plain.value("select to_regclass('kiloscale.edge_function_logs_next')") is None
    )


REFUSED = [
    (
        "create table notes (log bigint references edge_function_logs)",
        "foreign key notes_log_fkey of public.notes points at it",
    ),
    (
        "create unique index one_each on edge_function_logs (function_name, id)",
        "unique index one_each does not hold created_at",
    ),
    (
        "alter table edge_function_logs alter created_at type timestamp",
        "created_at is timestamp without time zone",
    ),
    (
        "create materialized view m as select id from edge_function_logs",
        "materialized view public.m reads it",
    ),
    (
        (
            "create function f() returns setof edge_function_logs language sql"
            " as 'select * from edge_function_logs'"
        ),
        "function public.f() uses its row type",
    ),
    (
        (
            "insert into edge_function_logs (function_name, created_at)"
            " values ('x', now() + interval '1 year')"
        ),
        "1 row(s) are dated",
    ),
    (
        (
            "insert into edge_function_logs (function_name, created_at)"
            " values ('x', null)"
        ),
        "1 row(s) have no created_at",
    ),
    (
        "create rule quiet as on delete to edge_function_logs do instead nothing",
        "rule quiet",
    ),
    (
        "alter table edge_function_logs replica identity full",
        "its replica identity is not the default",
    ),
    (
        (
            "alter table edge_function_logs add constraint small check"
            " (length(level) < 9) not valid"
        ),
        "constraint small is not validated",
    ),
]


def test_what_cannot_be_converted_is_refused_with_the_reason(plain, converts, capsys):
    for setup, reason in REFUSED:
        with plain.conn.transaction(force_rollback=True):
            if "type timestamp" in setup:
                plain.run("drop view error_count, recent_errors")
            plain.run(setup)
            plain.run("set local search_path = ''")
            found = obstacles.find(plain.conn) or obstacles.rows_in_the_way(
                plain.conn, "tomorrow"
            )
        assert any(reason in each for each in found), (reason, found)

    plain.run(REFUSED[0][0])
    assert converts(plain) == 4

    (failed,) = json.loads(capsys.readouterr().out)["checks"]
    assert REFUSED[0][1] in failed["title"]
    assert "Nothing was changed" in failed["title"]
    assert plain.value(KIND) == "r"
    prepared = plain.value("select to_regclass('kiloscale.edge_function_logs_next')")
    assert prepared is None


def test_a_table_with_partitions_is_left_alone(app, converts):
    assert converts(app) == 0
    assert converts(app, undo=True) == 0

    assert app.rows("select * from kiloscale.run_log") == []
