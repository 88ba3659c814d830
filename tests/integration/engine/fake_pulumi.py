"""An imitation of the Pulumi CLI, as far as the Automation API of 3.272 talks to it.

It keeps a stack in a folder: what its program declares, and what its state holds. It
compares the two, streams the engine's events as JSON over gRPC, and can be told to
fail: at a resource, at the login, at the passphrase, at a lock. A resource may name the
URL of a provider, which does it and says what is really there; of others the scenario
says it. Shapes of the events: ``pulumi.automation.events``, which mirrors
sdk/go/common/apitype/events.go; texts of the failures, and what a refresh tells of:
pulumi/pulumi (pkg/engine/update.go).

It proves how we handle what the engine says. It proves nothing about Pulumi, and
nothing about a provider.
"""

# ruff: noqa: T201 - it talks on stdout and stderr, as the CLI does

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

FOLDER = Path(os.environ["FAKE_PULUMI"])
PROJECT = "kiloscale"
FAILED = 255


class Cli:
    """One call of the CLI."""

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        self.scenario = json.loads((FOLDER / "scenario.json").read_text())
        self.cancels = 0

    def option(self, name: str) -> str:
        return self.arguments[self.arguments.index(name) + 1]

    def run(self) -> int:
        words = [each for each in self.arguments if not each.startswith("-")]
        with (FOLDER / "calls.log").open("a") as log:
            log.write(" ".join(self.arguments) + "\n")
        if words == ["version"]:
            print(self.scenario["version"])
            return 0
        self.logged_in()
        if words == ["whoami"]:
            print(json.dumps({"user": "ada", "url": "https://app.pulumi.com/ada"}))
            return 0
        self.known_stack()
        match words:
            case ["stack", _]:
                return 0
            case ["stack", "output", _]:
                return self.outputs()
            case ["stack", "export", _]:
                return self.export()
            case ["stack", "history", *_]:
                return self.history()
            case ["config", "get", key, _]:
                return self.config(key)
            case ["preview", *_]:
                return self.operate(planning=True)
            case ["refresh", *_] if "--preview-only" in self.arguments:
                return self.operate(planning=True)
            case ["up", *_]:
                return self.operate(planning=False)
        return fail(f'unknown command "{" ".join(words)}" for "pulumi"')

    def logged_in(self) -> None:
        if not self.scenario["logged_in"]:
            fail(
                "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI"
                " sessions"
            )

    def known_stack(self) -> None:
        name = self.option("--stack")
        if name not in self.scenario["stacks"]:
            fail(f"no stack named '{name}' found")

    def unlock_secrets(self) -> None:
        wanted = self.scenario["passphrase"]
        given = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
        if wanted is None or given == wanted:
            return
        if given is None:
            fail(
                "getting stack configuration: get stack secrets manager: passphrase"
                " must be set with PULUMI_CONFIG_PASSPHRASE or"
                " PULUMI_CONFIG_PASSPHRASE_FILE environment variables"
            )
        fail(
            "getting stack configuration: get stack secrets manager: incorrect"
            " passphrase"
        )

    def config(self, key: str) -> int:
        self.unlock_secrets()
        if key not in self.scenario["config"]:
            fail(f"configuration key '{key}' not found for stack")
        value = self.scenario["config"][key]
        print(json.dumps({"name": key, "value": value, "secret": True}))
        return 0

    def outputs(self) -> int:
        found = dict(self.scenario["outputs"]) if state_file().exists() else {}
        if "--show-secrets" not in self.arguments:
            found |= dict.fromkeys(self.scenario["secret_outputs"], "[secret]")
        print(json.dumps(found))
        return 0

    def export(self) -> int:
        found = json.loads(state_file().read_text()) if state_file().exists() else {}
        resources = [
            {
                "urn": f"urn:pulumi:x::{PROJECT}::{each['type']}::{name}",
                "type": each["type"],
                "inputs": each["inputs"],
                "outputs": each["outputs"],
            }
            for name, each in found.items()
        ]
        state = {"resources": resources} if resources else {}
        print(json.dumps({"version": 3, "deployment": state}))
        return 0

    def history(self) -> int:
        entry = {
            "kind": "update",
            "startTime": "2026-11-26T10:00:00.000Z",
            "endTime": "2026-11-26T10:01:00.000Z",
            "message": "",
            "environment": {},
            "config": {},
            "result": "succeeded",
            "version": self.scenario.get("update", 7),
        }
        print(json.dumps([entry]))
        return 0

    def operate(self, *, planning: bool) -> int:
        """Compare the program with the state; on ``up``, make them equal."""
        self.unlock_secrets()
        if self.scenario["lock"] and not planning:
            fail(self.scenario["lock"])
        signal.signal(signal.SIGINT, self.interrupt)
        with Events(self.option("--event-log")) as events:
            operation = Operation(self, events, planning=planning)
            if "refresh" in self.arguments:
                return operation.compare()
            return operation.run()

    def interrupt(self, _: int, __: object) -> None:
        self.cancels += 1
        if self.cancels > 1:
            # As the engine: at once, with an operation that the state does not know.
            os._exit(FAILED)
        print(
            "^C received; cancelling. If you would like to terminate immediately,"
            " press ^C again.",
            flush=True,
        )


class Operation:
    """A preview or an update."""

    def __init__(self, cli: Cli, events: "Events", *, planning: bool) -> None:
        self.cli = cli
        self.events = events
        self.planning = planning
        self.stack = cli.option("--stack")
        self.state = (
            json.loads(state_file().read_text()) if state_file().exists() else {}
        )
        self.counts: dict[str, int] = {}
        self.changed: set[str] = set()

    def compare(self) -> int:
        """Compare the state with what is really there, as ``pulumi refresh`` does."""
        self.events.send("preludeEvent", {"config": {}})
        self.step("same", "pulumi:pulumi:Stack", f"{PROJECT}-{self.stack}")
        for name, known in list(self.state.items()):
            found = self.really(name, known)
            op = "delete" if found is None else "same"
            if found not in (None, known["outputs"]):
                op = "update"
            new = None if found is None else {**known, "outputs": found}
            self.refreshed(op, name, known, new)
            self.counts[op] = self.counts.get(op, 0) + 1
        return self.finish(self.cli.scenario["refresh_error"])

    def refresh(self) -> None:
        """Take over what is really there, as ``pulumi up --refresh`` does first."""
        for name, known in list(self.state.items()):
            found = self.really(name, known)
            new = None if found is None else {**known, "outputs": found}
            self.refreshed("refresh", name, known, new)
            if new is None:
                self.keep(name, None)
                continue
            kept = {key: found.get(key) for key in known["inputs"]}
            self.keep(name, {**new, "inputs": kept})

    def refreshed(self, op: str, name: str, known: Any, new: Any) -> None:
        """Tell of one resource: that it is looked at, and what came of it."""
        for event, which in (("resourcePreEvent", "refresh"), ("resOutputsEvent", op)):
            metadata = self.metadata(which, known["type"], name, known, new, {})
            self.events.send(event, {"metadata": metadata, "planning": self.planning})

    def really(self, name: str, known: dict[str, Any]) -> dict[str, Any] | None:
        """Give what there is of a resource; None if there is nothing."""
        if name in self.cli.scenario["real"]:
            return self.cli.scenario["real"][name]
        if known.get("provider"):
            return self.provide("read", known, known["outputs"])
        return known["outputs"]

    def provide(
        self, action: str, resource: dict[str, Any], properties: dict[str, Any]
    ) -> dict[str, Any]:
        """Have a resource's provider do something; give what it says."""
        import urllib.request

        asked = json.dumps([action, resource["type"], properties]).encode()
        with urllib.request.urlopen(resource["provider"], asked) as answer:
            return dict(json.loads(answer.read()))

    def resolved(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Fill in what one resource takes of another, e.g. ``@chat-send.version``."""

        def one(value: object) -> object:
            if not (isinstance(value, str) and value.startswith("@")):
                return value
            name, _, key = value[1:].partition(".")
            if self.planning and name in self.changed:
                return "not known yet"
            return self.state[name]["outputs"][key]

        inputs = {key: one(value) for key, value in resource["inputs"].items()}
        return {**resource, "inputs": inputs}

    def run(self) -> int:
        scenario = self.cli.scenario
        self.events.send("preludeEvent", {"config": {}})
        self.step("same", "pulumi:pulumi:Stack", f"{PROJECT}-{self.stack}")
        for message in scenario["warnings"]:
            self.diagnostic("warning", message)
        if scenario["program_error"]:
            self.diagnostic("error", scenario["program_error"])
            return self.finish("an unhandled error occurred: Program exited with 1")
        if "--refresh" in self.cli.arguments:
            self.refresh()
        declared = {each["name"]: each for each in scenario["program"]}
        for name, resource in declared.items():
            if self.cli.cancels:
                return self.finish("update canceled")
            if not self.settle(name, self.resolved(resource)):
                return self.finish("update failed")
        for name in [name for name in self.state if name not in declared]:
            gone = self.state[name]
            self.step("delete", gone["type"], name, old=gone)
            self.keep(name, None)
        return self.finish(None)

    def settle(self, name: str, resource: dict[str, Any]) -> bool:
        """Do what one resource needs; tells whether it went well."""
        known = self.state.get(name)
        if known and {**known, "outputs": 0} == {**resource, "outputs": 0}:
            self.step("same", resource["type"], name, old=known, new=resource)
            return True
        if known is None:
            return self.change("create", name, resource, None)
        keys = [
            key
            for key, value in resource["inputs"].items()
            if known["inputs"].get(key) != value
        ]
        forced = [key for key in keys if key in resource.get("replace_on", [])]
        if not forced:
            return self.change("update", name, resource, known, diffs=keys)
        for op in ("create-replacement", "replace", "delete-replaced"):
            more = {"keys": forced, "diffs": keys, "logical": op == "replace"}
            if not self.change(op, name, resource, known, **more):
                return False
        return True

    def change(
        self,
        op: str,
        name: str,
        resource: dict[str, Any],
        known: dict[str, Any] | None,
        **more: object,
    ) -> bool:
        wrong = self.cli.scenario["fail"].get(name)
        metadata = self.metadata(op, resource["type"], name, known, resource, more)
        self.events.send(
            "resourcePreEvent", {"metadata": metadata, "planning": self.planning}
        )
        self.changed.add(name)
        outputs = dict(known["outputs"]) if known else {}
        if not self.planning:
            time.sleep(self.cli.scenario["seconds"])
        if wrong and not self.planning:
            self.diagnostic("error", wrong, metadata["urn"])
            self.events.send(
                "resOpFailedEvent", {"metadata": metadata, "status": 0, "steps": 1}
            )
            return False
        if not self.planning:
            provider, inputs = resource.get("provider"), resource["inputs"]
            outputs = self.provide("apply", resource, inputs) if provider else inputs
        self.events.send(
            "resOutputsEvent", {"metadata": metadata, "planning": self.planning}
        )
        self.counts[op] = self.counts.get(op, 0) + 1
        self.keep(name, {**resource, "outputs": outputs})
        return True

    def step(self, op: str, kind: str, name: str, **states: Any) -> None:
        """Tell of one resource from its begin to its end."""
        metadata = self.metadata(
            op, kind, name, states.get("old"), states.get("new"), {}
        )
        self.counts[op] = self.counts.get(op, 0) + 1
        if name in self.cli.scenario["untold"]:
            return
        for event in ("resourcePreEvent", "resOutputsEvent"):
            self.events.send(event, {"metadata": metadata, "planning": self.planning})

    def metadata(
        self, op: str, kind: str, name: str, old: Any, new: Any, more: dict[str, Any]
    ) -> dict[str, Any]:
        urn = f"urn:pulumi:{self.stack}::{PROJECT}::{kind}::{name}"

        def state(known: Any) -> dict[str, Any] | None:
            if known is None:
                return None
            custom = known.get("custom", True)
            outputs = known.get("outputs", {})
            more = {"inputs": known.get("inputs", {}), "outputs": outputs}
            return {"type": kind, "urn": urn, "custom": custom, **more}

        return {
            "op": op,
            "urn": urn,
            "type": kind,
            "provider": "",
            "old": state(old),
            "new": state(new),
            "detailedDiff": None,
            **more,
        }

    def diagnostic(self, severity: str, message: str, urn: str = "") -> None:
        self.events.send(
            "diagnosticEvent",
            {
                "message": f"<{{%fg 1%}}>{message}<{{%reset%}}>\n",
                "color": "raw",
                "severity": severity,
                "urn": urn,
            },
        )

    def keep(self, name: str, resource: dict[str, Any] | None) -> None:
        self.state.pop(name, None)
        if resource is not None:
            self.state[name] = resource
        if self.planning:
            return
        state_file().write_text(json.dumps(self.state))

    def finish(self, error: str | None) -> int:
        summary = {
            "maybeCorrupt": False,
            "durationSeconds": 1,
            "resourceChanges": self.counts,
            "PolicyPacks": {},
        }
        self.events.send("summaryEvent", summary)
        self.events.send("cancelEvent", {})
        if error is None:
            if not self.planning:
                print("View Live: https://app.pulumi.com/ada/kiloscale/x/updates/7")
            return 0
        print(f"error: {error}", file=sys.stderr)
        return FAILED


class Events:
    """Streams events to the Automation API, as ``--event-log tcp://...`` asks."""

    def __init__(self, target: str) -> None:
        import queue
        import threading

        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._address = target.removeprefix("tcp://")
        self._thread = threading.Thread(target=self._stream)
        self._sequence = 0

    def __enter__(self) -> "Events":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def send(self, kind: str, content: dict[str, Any]) -> None:
        event = {
            "sequence": self._sequence,
            "timestamp": int(time.time()),
            kind: content,
        }
        self._sequence += 1
        self._queue.put(json.dumps(event).encode())

    def _stream(self) -> None:
        # Started without site-packages, which saves half the time of a call.
        sys.path.append(os.environ["FAKE_PULUMI_PACKAGES"])
        import grpc

        with grpc.insecure_channel(self._address) as channel:
            call = channel.stream_unary(
                "/pulumirpc.Events/StreamEvents",
                request_serializer=_event_request,
                response_deserializer=bytes,
            )
            call(iter(self._queue.get, None))


def _event_request(event: bytes) -> bytes:
    """Write ``EventRequest{string event = 1}`` without importing Pulumi, for 0.5 s."""
    length, size = bytearray(), len(event)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return b"\x0a" + bytes([*length, size]) + event


def state_file() -> Path:
    return FOLDER / "state.json"


def fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(FAILED)


if __name__ == "__main__":
    raise SystemExit(Cli(sys.argv[1:]).run())
