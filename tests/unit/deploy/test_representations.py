"""No representation of ours shows a secret: a log or a traceback may hold one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import Program
from deploy.paths import REPOSITORY
from deploy.planning.stackfile import Stackfile
from deploy.releases.versions import Published, Version

SECRET = "sbp_0123456789abcdef"
SECRETS = re.compile(
    r"(.*_)?(secret|password|passphrase|token|webhook|purge_key|api_key|service_key"
    r"|role_key|anon_key|access_key|admin_url|database_url|replica_url|redis_url)"
)
PLAIN = {"str", "bytes", "str | None", "Mapping[str, str]", "dict[str, str]"}


def fields() -> Iterator[tuple[Path, ast.AnnAssign]]:
    """Each field of each dataclass."""
    for folder in ("deploy", "functions", "infra"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and any(
                    "dataclass" in ast.unparse(each) for each in node.decorator_list
                ):
                    for each in node.body:
                        if isinstance(each, ast.AnnAssign):
                            yield path, each


def test_no_dataclass_shows_a_field_that_is_named_like_a_secret():
    shown = [
        f"{path.relative_to(REPOSITORY)}:{field.lineno}: {field.target.id}"
        for path, field in fields()
        if SECRETS.fullmatch(field.target.id)
        and ast.unparse(field.annotation) in PLAIN
        and "repr=False" not in ast.unparse(field)
    ]

    assert shown == []


@pytest.mark.parametrize(
    "holder",
    [
        Published(
            version=Version(number=1, sha256="x"),
            at="2026-11-26T00:00:00Z",
            size=1,
            settings={"JWT_SECRET": SECRET},
        ),
        Program(
            argv=["/bin/true"],
            environment={"JWT_SECRET": SECRET},
            folder=Path(),
            log=Path("log"),
        ),
        Stackfile(
            stack="local",
            values={"kiloscale:jwtSecret": SECRET},
            secrets=frozenset({"kiloscale:jwtSecret"}),
        ),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_settings_does_not_show_their_values(holder):
    shown = repr(holder)

    assert SECRET not in shown
