"""The statements for Citus parse, and hold to its rules about keys."""

import re

import pglast
import pytest

from deploy.commands import Output
from deploy.partitioning import citus

DISTRIBUTED = re.compile(r"create_distributed_table\(\s*'([a-z_.]+)', '([a-z_]+)'")


def test_every_statement_parses():
    statements = pglast.parse_sql(citus.ddl(32))

    assert len(statements) > 20


def test_each_table_of_a_conversation_stands_with_its_conversation():
    tables = dict(DISTRIBUTED.findall(citus.ddl(32)))

    assert tables["public.conversations"] == "id"
    assert tables["public.messages"] == "chat_id"
    assert citus.ddl(32).count("colocate_with => 'public.conversations'") == 6


def test_each_key_that_is_made_contains_the_distribution_column():
    text = citus.ddl(32)
    keys = dict(
        re.findall(r"table ([a-z_.]+)\s+add constraint \w+ primary key (\(.*\))", text)
    )
    columns = dict(DISTRIBUTED.findall(text))

    assert keys
    for table, key in keys.items():
        assert columns[table] in key, table


def test_a_foreign_key_is_made_between_distribution_columns_alone():
    text = citus.ddl(32)
    columns = dict(DISTRIBUTED.findall(text))
    keys = re.findall(
        r"table ([a-z_.]+) add constraint \w+\s+foreign key \((\w+)\) references"
        r" public.conversations \(id\)",
        text,
    )

    assert len(keys) == 6
    for table, column in keys:
        assert columns[table] == column


def test_the_number_of_shards_is_checked(capsys):
    with pytest.raises(SystemExit) as ended:
        citus.show("local", "500", Output(), apply=False, yes=False)

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--shards must be a whole number between 2 and 128, got '500'" in told


def test_a_stack_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        citus.show("nowhere", "32", Output(), apply=False, yes=False)

    assert ended.value.code == 2
    assert "no stack named 'nowhere'" in capsys.readouterr().err


def test_it_is_printed_and_said_not_to_have_run(capsys):
    code = citus.show("local", "64", Output(), apply=False, yes=False)

    out, err = capsys.readouterr()
    assert code == 0
    assert "shard_count => 64" in out
    assert "nothing was run" in err
