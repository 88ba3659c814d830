"""A plan of a cloud stack, where there is neither an account nor the engine."""

import json
from pathlib import Path

import pytest
from fault_deploys import Project

from deploy.planning import planfile

pytestmark = pytest.mark.e2e

SECRETS = (
    "databaseUrl",
    "jwtSecret",
    "internalApiKey",
    "supabaseServiceKey",
    "geminiApiKey",
)
CIPHERTEXT = "v1:DistinctiveCiphertext"


def test_the_plan_of_a_cloud_stack_needs_no_engine_and_no_account(folder: Path):
    project = Project.copied_to(folder / "planned", folder / "planned-state")
    example = (project.folder / "Pulumi.production.example.yaml").read_text()
    secure = "".join(
        f"  kiloscale:{key}:\n    secure: {CIPHERTEXT}{key}\n" for key in SECRETS
    )
    (project.folder / "Pulumi.production.yaml").write_text(f"{example}\n{secure}")
    out = folder / "plan.json"
    # No pulumi on this path, and no credentials in this environment.
    found = project.run(
        "plan",
        *("--stack", "production", "--check", "--out", str(out)),
        PATH="/usr/bin:/bin",
        AWS_CONFIG_FILE="/nowhere",
        AWS_SHARED_CREDENTIALS_FILE="/nowhere",
    )

    assert found.code == 6, found.err
    assert found.ids("fail") == []
    declared = found.check("resources.declared")
    components = declared["evidence"]["components"]
    assert {"chat-send", "llm-requests", "alarms"} <= {
        each["name"] for each in components
    }
    assert "no state was read" in declared["title"]
    assert found.check("rules.cfn-lint")["status"] == "pass"
    assert not project.state.exists()
    written = planfile.read(out)
    assert (written.stack, written.findings) == ("production", [])
    assert written.cost["usd"] > 0
    assert "Pulumi.production.yaml" in written.inputs
    texts = json.dumps(found.report) + found.err + out.read_text()
    assert CIPHERTEXT not in texts
    assert "placeholder" not in texts
