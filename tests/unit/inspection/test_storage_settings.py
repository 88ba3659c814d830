"""When a storage setting would pay, and what a person reads of sizes."""

from deploy.inspection.storage_settings import command, lacking, undo


def test_free_space_pays_where_updates_are_many_and_not_hot():
    lacks = lacking("conversations", {}, updates=20_000, hot=1_000, rows=100)

    assert lacks == {"fillfactor": "80"}
    assert command("public.c", lacks) == "alter table public.c set (fillfactor = 80);"
    assert undo("public.c", lacks) == "alter table public.c reset (fillfactor);"


def test_what_is_set_is_left_as_it_is():
    own = {"fillfactor": "95"}

    assert lacking("conversations", own, updates=20_000, hot=0, rows=100) == {}


def test_few_updates_and_hot_ones_ask_for_nothing():
    assert lacking("conversations", {}, updates=9_999, hot=0, rows=100) == {}
    assert lacking("conversations", {}, updates=20_000, hot=16_000, rows=100) == {}


def test_autovacuum_is_hurried_in_a_large_table_alone():
    small = lacking("messages", {}, updates=0, hot=0, rows=499_999)
    large = lacking("messages", {}, updates=0, hot=0, rows=500_000)

    assert small == {}
    assert large["autovacuum_vacuum_scale_factor"] == "0.02"


def test_other_tables_are_their_owner_s():
    assert lacking("diary", {}, updates=1_000_000, hot=0, rows=1_000_000) == {}
