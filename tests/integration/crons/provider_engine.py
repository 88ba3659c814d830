"""What the Pulumi engine is to a dynamic provider: a gRPC client of its server."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from deploy.paths import REPOSITORY
from infra.pg_cron_provider import VERSION, PgCronProvider

URN = "urn:pulumi:production::kiloscale::pulumi-python:dynamic/kiloscale:PgCronJob::x"
PATIENCE_S = 20


class RefusedError(Exception):
    """The provider refused a call; the text is what the engine would print."""


@dataclass
class Served:
    """The running server.

    Attributes:
        stub: Calls it.
        stderr: What it said to the person at the terminal.
    """

    stub: provider_pb2_grpc.ResourceProviderStub
    stderr: Path


@dataclass
class Engine:
    """Keeps what the provider of one stack answered."""

    server: Served
    provider: str = ""
    answers: list[str] = field(default_factory=list)

    def told(self) -> list[str]:
        """Give what the provider has said so far, besides its answers."""
        return self.server.stderr.read_text().splitlines()

    def configure(self, values: Mapping[str, str]) -> None:
        """Begin an update with a configuration, as a new process of the server would.

        The server keeps one configured provider for each text that it was pickled to;
        base64 may be broken into lines, so each line break makes another.
        """
        self.server.stub.Configure(provider_pb2.ConfigureRequest(args=_struct(values)))
        text = serialize_provider(PgCronProvider())
        _texts.append(text)
        self.provider = text + "\n" * len(_texts)

    def check(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Give the checked inputs and the failures by property."""
        answer = self._call("Check", provider_pb2.CheckRequest, news=inputs)
        return _dict(answer.inputs), {f.property: f.reason for f in answer.failures}

    def diff(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Compare state and inputs: whether anything changes, and what replaces."""
        answer = self._call(
            "Diff", provider_pb2.DiffRequest, id="x", olds=state, news=inputs
        )
        changes = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        return changes, list(answer.replaces)

    def create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Make the resource; give its outputs."""
        answer = self._call("Create", provider_pb2.CreateRequest, properties=inputs)
        assert answer.id == inputs["jobname"]
        return _dict(answer.properties)

    def update(
        self, state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Change the resource; give its outputs."""
        answer = self._call(
            "Update", provider_pb2.UpdateRequest, id="x", olds=state, news=inputs
        )
        return _dict(answer.properties)

    def read(
        self, state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Refresh: give outputs and inputs, or ``None`` for a resource that is gone."""
        answer = self._call("Read", provider_pb2.ReadRequest, id="x", properties=state)
        return (_dict(answer.properties), _dict(answer.inputs)) if answer.id else None

    def delete(self, state: Mapping[str, Any]) -> None:
        """Delete the resource."""
        self._call("Delete", provider_pb2.DeleteRequest, id="x", properties=state)

    def up(self, **declared: str) -> dict[str, Any]:
        """Check and create what a program declares; give the state."""
        inputs, failures = self.check(job(**declared))
        assert failures == {}
        return self.create(inputs)

    def _call(self, method: str, request: Any, **given: Any) -> Any:
        """Call the server with the serialized provider in every bag of properties."""
        bags = {
            key: _struct({**value, "__provider": self.provider})
            for key, value in given.items()
            if key != "id"
        }
        names = {"id": given["id"]} if "id" in given else {}
        try:
            answer = getattr(self.server.stub, method)(
                request(urn=URN, **names, **bags), timeout=PATIENCE_S
            )
        except grpc.RpcError as error:
            self.answers.append(error.details())
            raise RefusedError(error.details()) from None
        self.answers.append(str(answer))
        return answer


_texts: list[str] = []


def job(**changes: str) -> dict[str, str]:
    """The inputs of a job as the component gives them."""
    return {
        "stack": "production",
        "jobname": "tidy",
        "schedule": "0 2 * * *",
        "command": "call kiloscale.snapshot_health()",
        "version": VERSION,
        **changes,
    }


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Start the server as ``pulumi-resource-pulumi-python`` does, and end it."""
    stderr = folder / "stderr"
    with stderr.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"],
            cwd=REPOSITORY / "infra",
            env={**os.environ, "PULUMI_PROJECT": "kiloscale"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(provider_pb2_grpc.ResourceProviderStub(channel), stderr)
    finally:
        process.terminate()
        process.communicate()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct


def _dict(struct: struct_pb2.Struct) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(struct)
    found.pop("__provider", None)
    return found
