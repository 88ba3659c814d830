"""What the Pulumi engine is to a policy pack: a gRPC client of its server."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import struct_pb2
from pulumi.output import Unknown
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import deserialize, proxy

from deploy.paths import REPOSITORY
from infra.policies.resources import Registered, Resources

PACK = REPOSITORY / "infra" / "policypack"
PATIENCE_S = 30

# As the CLI's launcher runs a pack: its folder, as a program.
LAUNCH = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"


class Engine:
    """Asks the pack's server as ``pulumi preview`` does."""

    def __init__(self, stub: analyzer_pb2_grpc.AnalyzerStub) -> None:
        self._stub = stub

    def info(self) -> Any:
        """Give what the pack says of itself."""
        return self._stub.GetAnalyzerInfo(struct_pb2.Struct(), timeout=PATIENCE_S)

    def analyze(self, resource: Registered) -> Any:
        """Ask about one resource before it is made."""
        request = analyzer_pb2.AnalyzeRequest(
            type=resource.type,
            name=resource.name,
            urn=urn(resource),
            properties=_struct(resource.inputs),
        )
        return self._stub.Analyze(request, timeout=PATIENCE_S)

    def analyze_stack(self, resources: Resources) -> Any:
        """Ask about all resources at the end, and about the stack's outputs."""
        several = [
            analyzer_pb2.AnalyzerResource(
                type=each.type,
                name=each.name,
                urn=urn(each),
                properties=_struct({**each.outputs, **each.inputs}),
            )
            for each in resources
        ]
        several.append(
            analyzer_pb2.AnalyzerResource(
                type="pulumi:pulumi:Stack",
                name="kiloscale-test",
                urn="urn:pulumi:test::kiloscale::pulumi:pulumi:Stack::kiloscale-test",
                properties=_struct(resources.outputs),
            )
        )
        request = analyzer_pb2.AnalyzeStackRequest(resources=several)
        return self._stub.AnalyzeStack(request, timeout=PATIENCE_S)


def urn(resource: Registered) -> str:
    """Give a resource's URN."""
    return f"urn:pulumi:test::kiloscale::{resource.type}::{resource.name}"


@contextmanager
def served(folder: Path) -> Iterator[Engine]:
    """Start the pack's server, and end it."""
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", LAUNCH, str(PACK)],
            cwd=PACK,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Engine(analyzer_pb2_grpc.AnalyzerStub(channel))
    finally:
        process.terminate()
        process.communicate()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(_wire(dict(values)))
    return struct


def _wire(value: Any) -> Any:
    """Write a value as the engine sends it."""
    if isinstance(value, Unknown):
        return proxy.UNKNOWN_STRING_VALUE
    if isinstance(value, pulumi.FileArchive):
        return {
            deserialize.SPECIAL_SIG_KEY: deserialize.SPECIAL_ARCHIVE_SIG,
            "path": value.path,
        }
    if isinstance(value, dict):
        return {key: _wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_wire(item) for item in value]
    return value
