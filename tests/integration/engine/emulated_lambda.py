"""What AWS's provider would do to functions and aliases, done to the emulator.

``emulated_lambda.py <apply | read> <type> <inputs as JSON>`` prints the outputs. Run by
``fake_pulumi.py`` for the resources of a scenario that name this file.
"""

# ruff: noqa: T201 - its output is its answer

import json
import sys
from pathlib import Path
from typing import Any

import botocore.session


def function(client: Any, action: str, inputs: dict[str, Any]) -> dict[str, Any]:
    name = inputs["name"]
    if action == "read":
        found = client.get_function_configuration(FunctionName=name)
        return {**inputs, "memorySize": found["MemorySize"]}
    code = Path(inputs["code"]).read_bytes()
    made = client.update_function_code(FunctionName=name, ZipFile=code, Publish=True)
    return {**inputs, "version": made["Version"]}


def alias(client: Any, action: str, inputs: dict[str, Any]) -> dict[str, Any]:
    named = {"FunctionName": inputs["functionName"], "Name": inputs["name"]}
    if action == "read":
        found = client.get_alias(**named)
    else:
        version = inputs["functionVersion"]
        found = client.update_alias(**named, FunctionVersion=version)
    return {**inputs, "functionVersion": found["FunctionVersion"]}


if __name__ == "__main__":
    ACTION, TYPE, INPUTS = sys.argv[1:]
    KINDS = {"aws:lambda/function:Function": function, "aws:lambda/alias:Alias": alias}
    CLIENT = botocore.session.get_session().create_client("lambda")
    print(json.dumps(KINDS[TYPE](CLIENT, ACTION, json.loads(INPUTS))))
