"""The linter in its own process: what it finds, and what becomes of its failures."""

import pytest

from deploy.errors import DeployError
from deploy.planning import linting
from deploy.planning.cloudformation import template
from infra.policies.resources import Registered, Resources

GROUP = Registered(
    type="aws:cloudwatch/logGroup:LogGroup",
    name="chat-send-logs",
    inputs={"name": "/aws/lambda/x", "retentionInDays": 31.0},
)
UNKNOWN = Registered(type="aws:athena/workgroup:Workgroup", name="w", inputs={})


@pytest.fixture
def linter(monkeypatch, tmp_path):
    """Starts a linter whose process runs a script of the test's."""
    started = []

    def start(script: str) -> linting.Linter:
        (tmp_path / "worker.py").write_text(script)
        monkeypatch.setattr(linting, "WORKER", "worker")
        monkeypatch.setattr(linting, "REPOSITORY", tmp_path)
        started.append(linting.Linter.start())
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_a_finding_names_the_resource():
    # Imported here: the linter takes 3 s, and each worker imports every module.
    from deploy.planning import lint_worker

    found = lint_worker.messages(template(Resources([GROUP])), "eu-central-1")

    assert [line.partition(":")[0] for line in found] == ["ChatSendLogs"]
    assert "31 is not one of" in found[0]


def test_what_has_no_cloudformation_name_is_said_and_not_linted(linter):
    script = (
        "import json, sys\n"
        "request = json.load(sys.stdin)\n"
        "json.dump(sorted(request['template']['Resources']), sys.stdout)\n"
    )

    found = linter(script).findings(Resources([GROUP, UNKNOWN]), "eu-central-1")

    assert found.messages == ["ChatSendLogs"]
    assert found.linted == 1
    assert found.without_schema == [UNKNOWN.type]


def test_the_edge_is_linted_like_the_rest(linter):
    script = (
        "import json, sys\n"
        "request = json.load(sys.stdin)\n"
        "kinds = [each['Type'] for each in request['template']['Resources'].values()]\n"
        "json.dump(kinds, sys.stdout)\n"
    )
    policy = Registered(
        type="aws:cloudfront/cachePolicy:CachePolicy", name="week", inputs={"name": "w"}
    )
    waiting = Registered(
        type="aws:acm/certificateValidation:CertificateValidation", name="w", inputs={}
    )

    found = linter(script).findings(Resources([policy, waiting]), "eu-central-1")

    assert found.messages == ["AWS::CloudFront::CachePolicy"]
    assert (found.linted, found.without_schema) == (1, [])


def test_a_linter_that_fails_is_no_clean_bill(linter):
    failing = linter("raise SystemExit('no schemas here')")

    with pytest.raises(DeployError, match="nothing is known of its rules: no schemas"):
        failing.findings(Resources([GROUP]), "eu-central-1")


def test_a_linter_that_hangs_is_ended(linter, monkeypatch):
    monkeypatch.setattr(linting, "TIMEOUT_S", 0.2)
    hanging = linter("import time; time.sleep(60)")

    with pytest.raises(DeployError, match="did not end within"):
        hanging.findings(Resources([GROUP]), "eu-central-1")
    assert hanging._process.poll() is not None
