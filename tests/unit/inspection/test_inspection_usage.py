"""Arguments of the tasks that look into the database."""

import pytest

from deploy import inspection_commands
from deploy.commands import Output
from deploy.inspection.declared_indexes import declared


@pytest.mark.parametrize("days", ["0", "-1", "3651", "two", "1.5", ""])
def test_a_wrong_number_of_days_is_refused_with_its_range(days, capsys):
    with pytest.raises(SystemExit) as ended:
        inspection_commands.index_usage("local", days, Output(), strict=False)

    assert ended.value.code == 2
    told = capsys.readouterr().err.replace("\n", " ")
    assert "--days must be a whole number between 1 and 3650" in told


def test_an_unknown_hot_query_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as ended:
        inspection_commands.hot_queries("local", "nope", Output(), strict=False)

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "no hot query named 'nope'" in told
    assert "memory-window" in told


def test_the_declared_indexes_are_those_of_the_migrations(tmp_path):
    (tmp_path / "20250101000000_a.sql").write_text(
        "-- create index no on public.t (a);\n"
        "create index concurrently if not exists t_a_idx\n    on public.t (a)\n"
        "    where a > 0;\ncreate table x ();\n"
        "create unique index t_b_key on kiloscale.t (b);\n"
    )

    found = declared(tmp_path)

    assert [(each.schema, each.name) for each in found] == [
        ("public", "t_a_idx"),
        ("kiloscale", "t_b_key"),
    ]
    assert found[0].version == "20250101000000"
    assert found[0].command == (
        "create index concurrently if not exists t_a_idx on public.t (a) where a > 0;"
    )


def test_our_migrations_declare_the_plan_s_four():
    names = {each.name for each in declared()}

    assert names >= {
        "idx_conversations_user_mode_created",
        "idx_user_memory_profile_active",
        "idx_conversation_caches_chat_id",
        "idx_conversation_summaries_latest",
    }
