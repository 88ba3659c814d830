"""Every command that a person is told to type exists, with its options."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.paths import REPOSITORY
from deploy.steps import CHECKLIST
from tasks import namespace

COMMAND = re.compile(r"\./bootstrap +(?!makes\b)([a-z][\w.-]*)([^`\n|#]*)")
END = re.compile(r"&&|;|, |\. |\bthen\b|\./bootstrap")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
CODE = ("deploy", "functions", "infra", "benchmarks")

# What Invoke answers for every task.
OF_INVOKE = {"--help", "--list"}


def documents() -> list[Path]:
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def texts(path: Path) -> Iterator[str]:
    """The texts of a module; what is only known when it runs is written as ``?``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                each.value if isinstance(each, ast.Constant) else "?"
                for each in node.values
            )


def examples() -> Iterator[tuple[str, str]]:
    """The examples of each task, with its name."""
    for name in namespace.task_names:
        told = re.search(r"Examples: (.*?)(?:\n\n|\Z)", namespace[name].__doc__, re.S)
        assert told, f"{name} has no examples"
        for each in " ".join(told[1].split()).split(" | "):
            yield name, each


def commands() -> Iterator[tuple[str, str, str]]:
    """Where a command stands, its task, and the rest of it."""
    for path in documents():
        for found in COMMAND.finditer(path.read_text("utf-8")):
            yield path.name, found[1], found[2]
    for folder in CODE:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for text in texts(path):
                for found in COMMAND.finditer(text):
                    yield str(path.relative_to(REPOSITORY)), found[1], found[2]
    for name, text in examples():
        within = COMMAND.search(text)  # as in the shell's own command
        task, _, rest = text.partition(" ")
        task, rest = within.groups() if within else (task, rest)
        yield f"Examples of {name}", task.rstrip(')"'), rest


def problems(task: str, rest: str) -> Iterator[str]:
    """What is wrong with a command."""
    known = {name: namespace[name] for name in namespace.task_names}
    groups = namespace.collections
    known |= {each: namespace[each] for each in groups if groups[each].default}
    name = task.rstrip(".,;:")
    if name not in known:
        yield f"there is no task {name}"
        return
    told = END.split(rest)[0]
    names = {flag for each in known[name].get_arguments() for flag in each.names}
    options = {f"--{each.rstrip('_').replace('_', '-')}" for each in names}
    for option in OPTION.findall(told):
        if option not in options | OF_INVOKE:
            yield f"{name} has no {option}"
    steps = {step.id for step in CHECKLIST}
    for option, value in re.findall(r"--(only|skip|from) ([a-z,]+)", told):
        if unknown := set(value.split(",")) - steps:
            yield f"--{option}: there is no step {', '.join(sorted(unknown))}"


def test_every_command_that_is_told_exists_with_its_options():
    found = [
        f"{where}: ./bootstrap {task}{rest}: {what}"
        for where, task, rest in commands()
        for what in problems(task, rest)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("task", "rest", "what"),
    [
        ("deplo", "", "there is no task deplo"),
        ("deploy", " --stak production", "deploy has no --stak"),
        ("deploy", " --only cron", "--only: there is no step cron"),
        ("receipt.show", " --apply x", "receipt.show has no --apply"),
    ],
)
def test_a_command_that_does_not_exist_is_found(task, rest, what):
    assert list(problems(task, rest)) == [what]


def test_no_task_takes_its_help_for_a_value():
    # Invoke reads whatever follows as a value that has no option and no default.
    positional = {
        name
        for name in namespace.task_names
        for each in namespace[name].get_arguments()
        if each.positional
    }

    assert positional == {"bench"}  # which looks itself


def test_commands_are_found_in_documents_code_and_examples():
    places = [where for where, *_ in commands()]

    assert sum(each.endswith(".md") for each in places) > 80
    assert sum(each.endswith(".py") for each in places) > 150
    assert sum(each.startswith("Examples of ") for each in places) > 40


def test_every_link_leads_to_a_file():
    linked = {
        (path.parent / target).resolve()
        for path in documents()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
    }

    assert linked
    assert [path for path in linked if not path.exists()] == []
