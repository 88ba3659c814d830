"""The task policy-lab: what it prints, what it refuses, that it repeats itself."""

import json
from pathlib import Path

import pytest

from deploy.errors import UsageError
from deploy.policy_lab import commands
from deploy.policy_lab.commands import Lab
from deploy.policy_lab.corpus import Mix, made
from deploy.policy_lab.export import exported

SAID = [
    ("user", "I live in Porto."),
    ("assistant", "How nice, the river is lovely."),
    ("user", "Thanks!"),
    ("assistant", "You are welcome."),
]


@pytest.fixture
def export(tmp_path):
    """Write an export; give its path."""

    def write(*changes: dict, lines: int = 8) -> Path:
        path = tmp_path / "chats.jsonl"
        found = []
        for number in range(lines):
            role, text = SAID[number % len(SAID)]
            found.append(
                {
                    "conversation": f"c{number // 4}",
                    "role": role,
                    "text": text,
                    "created_at": f"2026-01-0{1 + number // 4}T10:{number:02}:00Z",
                }
            )
        for number, change in enumerate(changes):
            found[number] |= change
        path.write_text("".join(json.dumps(each) + "\n" for each in found))
        return path

    return write


def run(capsys, **options: str) -> dict:
    assert commands.run(Lab(**options), as_json=True) == 0
    return json.loads(capsys.readouterr().out)


def test_an_export_without_facts_gives_calls_cost_and_delay(capsys, export):
    found = run(capsys, source=str(export()))

    every = {each["policy"]: each for each in found["policies"]}
    assert list(every) == ["gathered", "debounced", "sampled", "every-turn"]
    assert found["corpus"] == {
        "name": "chats.jsonl",
        "messages": 8,
        "turns": 4,
        "facts": None,
    }
    assert (every["every-turn"]["calls"], every["gathered"]["calls"]) == (4, 2)
    # A quarter of an hour after the answer, which came a minute after the message.
    assert every["gathered"]["delay_p50_s"] == 900 + 60
    assert every["gathered"]["recall"] is None
    assert (found["sweep"], found["others"]) == ([], {})


def test_facts_of_an_export_are_recalled(capsys, export):
    source = str(export({"facts": ["lives in Porto"], "person": "a"}))

    found = run(capsys, source=source, policies="every-turn,gathered")

    assert found["corpus"]["facts"] == 1
    assert set(found["policies"][0]["recall"]) == {"value", "low", "high"}
    assert len(found["sweep"]) == 36
    assert set(found["sweep"][0]) == {
        *("miss", "loss", "correlation", "recall", "every_turn")
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"role": "bot"}, "line 1: role must be one of user, assistant, system"),
        ({"text": 7}, "line 1: text must be a string"),
        ({"conversation": None}, "line 1: conversation must be a string"),
        ({"created_at": "yesterday"}, "line 1: created_at must be a time in ISO 8601"),
        ({"facts": "lives in Porto"}, "line 1: facts must be a list of strings"),
        ({"person": 3}, "line 1: person must be a string"),
    ],
)
def test_a_bad_line_is_named_with_its_field(export, change, problem):
    with pytest.raises(UsageError) as refused:
        exported(export(change))

    assert problem in str(refused.value)
    assert "Porto." not in str(refused.value)


def test_all_bad_lines_are_told_at_once_and_many_are_counted(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text("nothing\n[]\n" + "{}\n" * 9)

    with pytest.raises(UsageError) as refused:
        exported(path)

    assert "line 1: not JSON; line 2: must be an object; line 3: role" in str(
        refused.value
    )
    assert str(refused.value).endswith("and 6 more")


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_ends_with_a_usage_error(capsys, tmp_path, name):
    with pytest.raises(SystemExit) as ended:
        commands.run(Lab(source=str(tmp_path / name)), as_json=True)

    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


@pytest.mark.parametrize(
    "options", [{"policies": "guess"}, {"policies": ","}, {"plot": "lab.gif"}]
)
def test_what_is_unknown_is_refused_before_anything_is_replayed(options):
    with pytest.raises(SystemExit) as ended:
        commands.run(Lab(**options), as_json=False)

    assert ended.value.code == 2


def test_an_export_without_answers_is_refused(export):
    with pytest.raises(UsageError, match="no turn to replay"):
        exported(export(lines=1))


def test_the_same_seed_makes_the_same_conversations():
    mix = Mix(conversations=12)

    assert made(5, mix) == made(5, mix)
    assert made(5, mix) != made(6, mix)


def test_the_same_export_gives_the_same_answer_and_plot(capsys, tmp_path, export):
    source = str(export({"facts": ["lives in Porto"]}))
    outputs = []
    for name in ("a.svg", "b.svg"):
        plot = tmp_path / name
        found = run(capsys, source=source, policies="gathered", plot=str(plot))
        outputs.append((found, plot.read_bytes()))

    assert outputs[0] == outputs[1]


def test_made_conversations_have_the_lengths_of_the_app():
    lengths: dict[str, int] = {}
    for message in made(1, Mix(conversations=420)).messages:
        lengths[message.chat] = lengths.get(message.chat, 0) + 1
    found = sorted(lengths.values())

    assert 14 <= found[len(found) // 2] <= 26
    assert 500 <= found[-5] <= 1_600
