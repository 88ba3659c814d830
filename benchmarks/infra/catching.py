"""Puts faults in and asks the layer that must see each."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.infra import other_faults, policy_faults
from benchmarks.infra.faults import (
    CallFault,
    ConfigFault,
    Fault,
    OutputFault,
    ResourceFault,
    TypeFault,
)
from benchmarks.infra.program import record
from deploy.paths import REPOSITORY
from deploy.planning.cloudformation import template
from deploy.planning.recording import REGION
from infra.config import StackConfig
from infra.config_values import ConfigError
from infra.policies import check
from infra.policies.resources import Resources

FAULTS: tuple[Fault, ...] = (*other_faults.FAULTS, *policy_faults.FAULTS)
"""All that needs no emulator; its own are in `benchmarks.infra.emulator_faults`."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a layer said of a fault.

    Attributes:
        fault: The fault.
        message: The message that was expected; empty if the layer did not say it.
    """

    fault: Fault
    message: str


def catch(faults: Iterable[Fault], clean: Resources) -> list[Seen]:
    """Put each fault in by itself; give what its layer said.

    Args:
        faults: Any of `FAULTS`.
        clean: What the program declares without a fault.
    """
    several = list(faults)
    said: dict[str, list[str]] = {}
    for layer, ask in LAYERS.items():
        of_layer = [fault for fault in several if fault.layer == layer]
        if of_layer:
            said |= ask(of_layer, clean)
    return [seen(fault, said[fault.name]) for fault in several]


def seen(fault: Fault, messages: Iterable[str]) -> Seen:
    """Find what was expected in what was said."""
    found = next((text for text in messages if fault.expected in text), "")
    return Seen(fault=fault, message=found)


def _by_policies(faults: list[Fault], clean: Resources) -> dict[str, list[str]]:
    """Ask the rules, once for each fault."""
    said = {}
    for fault in faults:
        if not isinstance(fault, ResourceFault | OutputFault):
            raise TypeError(f"{fault.name}: nothing that a rule could look at")
        found = check(fault.put_into(clean))
        said[fault.name] = [f"{e.resource}: {e.rule}: {e.what}" for e in found]
    return said


def _by_cfn_lint(faults: list[Fault], clean: Resources) -> dict[str, list[str]]:
    """Lint all wrong resources in one template: a run takes half a second."""
    from cfnlint.api import ManualArgs, lint

    named = {f"F{number}x": fault for number, fault in enumerate(faults)}
    wrong = Resources(
        replace(fault.changed(clean), name=name)
        for name, fault in named.items()
        if isinstance(fault, ResourceFault)
    )
    text = json.dumps(template(wrong))
    said: dict[str, list[str]] = {fault.name: [] for fault in faults}
    for match in lint(text, config=ManualArgs(regions=[REGION])):
        path: Any = match.path
        where = str(path[1]) if path and len(path) > 1 else ""
        fault = next((f for n, f in named.items() if n.title() == where), None)
        if fault:
            said[fault.name].append(match.message)
    return said


def _by_invariants(faults: list[Fault], _: Resources) -> dict[str, list[str]]:
    """Make what is wrong."""
    said: dict[str, list[str]] = {}
    for fault in faults:
        if not isinstance(fault, CallFault):
            raise TypeError(f"{fault.name}: nothing to call")
        try:
            fault.call()
        except ValueError as error:
            said[fault.name] = [str(error)]
        else:
            said[fault.name] = []
    return said


def _by_config(faults: list[Fault], _: Resources) -> dict[str, list[str]]:
    """Read each configuration as the program does."""

    def only_read() -> dict[str, Any]:
        StackConfig.load()
        return {}

    said: dict[str, list[str]] = {}
    for fault in faults:
        if not isinstance(fault, ConfigFault):
            raise TypeError(f"{fault.name}: no configuration")
        try:
            record(only_read, plain=fault.plain, changes=fault.values)
        except ConfigError as error:
            said[fault.name] = str(error).splitlines()
        else:
            said[fault.name] = []
    return said


def _by_types(faults: list[Fault], _: Resources) -> dict[str, list[str]]:
    """Let mypy read each as a module, all in one run and without a fault first."""
    with tempfile.TemporaryDirectory(prefix="ks-types-") as name:
        folder = Path(name)
        sound = other_faults.SERVICE.format(
            line="DeadLetterQueueArgs(physical_name='q')"
        )
        (folder / "sound.py").write_text(sound, encoding="utf-8")
        files = {}
        for number, fault in enumerate(faults):
            if not isinstance(fault, TypeFault):
                raise TypeError(f"{fault.name}: no code")
            files[f"fault{number}"] = fault
            path = folder / f"fault{number}.py"
            path.write_text(fault.code, encoding="utf-8")
        lines = _mypy(folder)
    said: dict[str, list[str]] = {fault.name: [] for fault in faults}
    for line in lines:
        found = re.match(r"(?:.*/)?(\w+)\.py:\d+: error: (.*)", line)
        if found and found[1] == "sound":
            raise AssertionError(f"mypy refuses code without a fault: {line}")
        if found and found[1] in files:
            said[files[found[1]].name].append(found[2])
    return said


def _mypy(folder: Path) -> list[str]:
    """Run mypy as the project does, over the modules of a folder."""
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, sorted(folder.glob("*.py")))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode not in {0, 1}:
        raise AssertionError(f"mypy ended with {ran.returncode}: {ran.stdout[-500:]}")
    return ran.stdout.splitlines()


Ask = Callable[[list[Fault], Resources], dict[str, list[str]]]

LAYERS: dict[str, Ask] = {
    "types": _by_types,
    "invariants": _by_invariants,
    "config": _by_config,
    "policies": _by_policies,
    "cfn-lint": _by_cfn_lint,
}
"""Who is asked. A layer of one's own is added here, with its faults in `FAULTS`."""


def report(found: Iterable[Seen]) -> Iterator[str]:
    """Write what was caught, by whom and with which words, as a Markdown table."""
    yield "| fault | layer | message |"
    yield "|---|---|---|"
    for each in found:
        said = each.message.replace("|", "\\|") or "**not caught**"
        yield f"| {each.fault.name} | {each.fault.layer} | {said} |"
