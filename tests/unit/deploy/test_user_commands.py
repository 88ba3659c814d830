import pytest

from deploy import console, user_commands
from deploy.commands import Output
from deploy.users.looking import Line, Looked

USER = "00000000-0000-0000-0000-00000000000a"
OTHER = "00000000-0000-0000-0000-00000000000b"


@pytest.fixture
def delete(monkeypatch, capsys):
    """Runs user.delete on a cloud stack; gives its exit code and what it said."""
    monkeypatch.setattr(
        "deploy.deployment.stack_names", lambda: ["local", "production"]
    )
    monkeypatch.delenv("KILOSCALE_DATABASE_URL", raising=False)
    monkeypatch.setattr(console, "asks", lambda: False)

    def run(user=USER, confirm="", **options):
        chosen = {"dry_run": False, "yes": True, **options}
        with pytest.raises(SystemExit) as ended:
            raise SystemExit(
                user_commands.delete(
                    "production", (user, confirm, ""), Output(), **chosen
                )
            )
        return ended.value.code, capsys.readouterr()

    return run


def test_an_id_that_is_none_is_refused(delete):
    code, said = delete(user="bob")

    assert code == 2
    assert "--user 'bob' is no id of a user (a UUID); nothing was changed" in said.err


@pytest.mark.parametrize("typed", ["", OTHER])
def test_yes_alone_deletes_nobody_on_a_cloud_stack(delete, typed):
    code, said = delete(confirm=typed)

    assert code == 2
    assert f"{typed!r} is not the id of --user; nothing was changed" in said.err


def test_where_nobody_can_be_asked_yes_and_the_id_are_missing(delete):
    code, said = delete(yes=False)

    assert code == 2
    assert "--yes and --confirm are missing; nothing was changed" in said.err


@pytest.mark.parametrize("options", [{"confirm": USER}, {"dry_run": True}])
def test_the_id_a_second_time_or_a_dry_run_goes_on_to_the_database(delete, options):
    code, said = delete(**options)

    assert code == 2
    assert "KILOSCALE_DATABASE_URL is not set" in said.out


def test_rows_of_others_stop_it_unless_their_table_is_allowed():
    looked = Looked(
        lines=[
            Line(table="public.reactions", act="others", rows=2, why=""),
            Line(table="public.invoices", act="stop", rows=1, why=""),
            Line(table="public.empty", act="stop", rows=0, why=""),
        ]
    )

    assert [each.table for each in looked.stops(["public.reactions"])] == [
        "public.invoices"
    ]
    assert len(looked.stops([])) == 2
