import pytest

from deploy.migrations.statements import IndexBuild, UnparsableError, split

TEXT = """\
-- Größe: a comment with a character of two bytes; and a semicolon
create table a (x text default ';');

/* before */ do $tag$ begin execute 'select $$;$$'; end $tag$;
create unique index concurrently if not exists "Odd" on app.a (x);
"""


def test_statements_keep_their_text_and_line():
    statements = split(TEXT)

    assert [(item.line, item.text) for item in statements] == [
        (2, "create table a (x text default ';')"),
        (4, "do $tag$ begin execute 'select $$;$$'; end $tag$"),
        (5, 'create unique index concurrently if not exists "Odd" on app.a (x)'),
    ]


def test_a_concurrent_build_names_its_index():
    assert [item.index for item in split(TEXT)] == [
        None,
        None,
        IndexBuild(schema="app", name="Odd"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "create index concurrently i on t (x)",
        "drop index concurrently i",
        "reindex index concurrently i",
        "vacuum t",
    ],
)
def test_what_postgresql_refuses_in_a_transaction_is_known(statement):
    assert split(statement)[0].needs_no_transaction


@pytest.mark.parametrize(
    "statement",
    ["create index i on t (x)", "drop index i", "reindex index i", "analyze t"],
)
def test_what_may_run_in_a_transaction_is_known(statement):
    assert not split(statement)[0].needs_no_transaction


def test_nested_dollar_quotes_are_an_error_with_its_line():
    text = "select 1;\ndo $$\nbegin\n  perform $$select 2$$;\nend $$;"

    with pytest.raises(UnparsableError) as caught:
        split(text)

    assert caught.value.line == 4
    assert str(caught.value).startswith('syntax error at or near "select"')
    assert str(caught.value).endswith(": perform $$select 2$$;")
