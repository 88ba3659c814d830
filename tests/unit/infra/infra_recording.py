"""Mocks that record what a program declares, with ARNs as AWS writes them."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from deploy.emulator import runner
from infra.archives import Archives
from infra.config import StackConfig
from infra.policies.resources import Registered, Resources

REGION, ACCOUNT = "eu-central-1", "123456789012"
KEY_ID = "0c2c8f36-0000-4000-8000-00000000000a"

SECRETS = {
    "databaseUrl": "postgresql://postgres.abc:pw@aws-0-eu.pooler.supabase.com:6543/postgres",
    "jwtSecret": "j" * 40,
    "internalApiKey": "i" * 40,
    "supabaseServiceKey": "s" * 40,
    "geminiApiKey": "g" * 40,
    "alertWebhook": "https://hooks.example.com/services/T0/B0/x",
}
OPTIONAL_SECRETS = ("redisUrl",)
PLAIN = {
    "supabaseUrl": "https://abc.supabase.co",
    "allowedOrigins": '["https://app.example.com"]',
    "logRetentionDays": "30",
    "reserveConcurrency": "false",
    "geminiBaseUrl": "https://generativelanguage.googleapis.com",
    "openaiBaseUrl": "https://api.openai.com/v1",
    "limitStore": "postgres",
    "extractionPolicy": "sampled",
    "llmDayBudgetUsd": "1",
    "alertEmail": "ops@example.com",
}


def config(**changes: str) -> dict[str, str]:
    """A complete configuration by full key, with some values changed."""
    values = {**PLAIN, **SECRETS, **changes}
    return {f"kiloscale:{key}": value for key, value in values.items()}


class RecordingMocks(pulumi.runtime.Mocks):
    """Keeps every resource. In a preview nothing is known that AWS would choose."""

    def __init__(self, preview: bool = False) -> None:
        self.resources = Resources()
        self.preview = preview

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> Any:
        chosen = {} if self.preview else _chosen(args.typ, args.name, args.inputs)
        outputs = {**args.inputs, **chosen}
        self.resources.append(
            Registered(
                type=args.typ, name=args.name, inputs=args.inputs, outputs=outputs
            )
        )
        return None if self.preview else f"{args.name}-id", outputs


def whole_program() -> dict[str, Any]:
    """The program as ``pulumi up`` runs it, without building the zips."""
    program = importlib.import_module("infra.__main__")
    return program.compose(StackConfig.load(), Archives(folder="../dist"))


def record(
    program: Callable[[], Mapping[str, Any]],
    *,
    values: Mapping[str, str] | None = None,
    stack: str = "test",
    preview: bool = False,
) -> tuple[Resources, dict[str, Any]]:
    """Run a program; give its resources and its outputs."""
    mocks = RecordingMocks(preview)
    outputs = runner.run(
        program,
        mocks,
        stack=stack,
        config=values or config(),
        secrets=[f"kiloscale:{key}" for key in (*SECRETS, *OPTIONAL_SECRETS)],
        preview=preview,
    )
    return mocks.resources, outputs


def _chosen(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS would choose."""
    named = inputs.get("name", name)
    here = f"{REGION}:{ACCOUNT}"
    paths = {
        "aws:cloudwatch/logGroup:LogGroup": f"logs:{here}:log-group:{named}",
        "aws:iam/role:Role": f"iam::{ACCOUNT}:role/{named}",
        "aws:kms/key:Key": f"kms:{here}:key/{KEY_ID}",
        "aws:lambda/function:Function": f"lambda:{here}:function:{named}",
        "aws:lambda/alias:Alias": (
            f"lambda:{here}:function:{inputs.get('functionName')}:{named}"
        ),
        "aws:sns/topic:Topic": f"sns:{here}:{named}",
        "aws:sqs/queue:Queue": f"sqs:{here}:{named}",
        "aws:scheduler/schedule:Schedule": (
            f"scheduler:{here}:schedule/default/{named}"
        ),
    }
    return {
        "arn": f"arn:aws:{paths[kind]}" if kind in paths else None,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{named}",
        "functionUrl": f"https://{name}.lambda-url.{REGION}.on.aws/",
        "keyId": KEY_ID,
        "version": "7",
    }
