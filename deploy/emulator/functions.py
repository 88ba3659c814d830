"""Lambda functions and their aliases."""

from typing import Any

from deploy.emulator.attributes import Attributes, sealed, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

API = "/2015-03-31/functions"
RESERVED_API = "/2019-09-30/functions"

ARGUMENTS = {
    "name": "FunctionName",
    "role": "Role",
    "runtime": "Runtime",
    "handler": "Handler",
    "memorySize": "MemorySize",
    "timeout": "Timeout",
    "kmsKeyArn": "KMSKeyArn",
    "loggingConfig": "LoggingConfig",
}
APART = {
    "code",
    "architectures",
    "environment",
    "publish",
    "reservedConcurrentExecutions",
}
"""Inputs that are not arguments as they are."""


class Function:
    """``aws:lambda/function:Function``. Each change publishes a version."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the function, or update configuration and code; publish it."""
        if not inputs.get("publish"):
            raise ValueError("an unpublished function has no version to point at")
        functions = aws.of("lambda")
        try:
            found = functions.get_function_configuration(FunctionName=inputs["name"])
        except functions.exceptions.ResourceNotFoundException:
            version = _create(functions, inputs)
        else:
            version = _update(functions, inputs, found["CodeSha256"])
        _reserve(functions, inputs)
        # Not from the answers above: theirs can be the ARN of the version.
        found = functions.get_function_configuration(FunctionName=inputs["name"])
        outputs = {"arn": found["FunctionArn"], "version": version}
        return Made(id=inputs["name"], outputs=outputs)

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the function with all its versions."""
        aws.of("lambda").delete_function(FunctionName=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for what is not published; values of variables stay sealed."""
        answer = look.get("lambda", f"{API}/{known.id}/configuration")
        if not answer.found:
            return None
        found = stable(answer.json(), "State", "Environment", "CodeSize")
        variables = (answer.json().get("Environment") or {}).get("Variables", {})
        found["Environment"] = sealed(variables, look.seal)
        reserved = look.get("lambda", f"{RESERVED_API}/{known.id}/concurrency")
        return {**found, **(reserved.json() if reserved.found else {})}


def _arguments(inputs: Inputs) -> dict[str, Any]:
    """Give the arguments that making and updating share."""
    plain = {key: value for key, value in inputs.items() if key not in APART}
    variables = (inputs.get("environment") or {}).get("variables", {})
    return {
        **translate(plain, ARGUMENTS),
        # Not through `translate`: the names of variables stay as they are.
        "Environment": {"Variables": dict(variables)},
    }


def _create(functions: Any, inputs: Inputs) -> str:
    """Make the function; give the number of its first version."""
    made = functions.create_function(
        **_arguments(inputs),
        Architectures=inputs["architectures"],
        Code={"ZipFile": inputs["code"].path.read_bytes()},
        Publish=True,
    )
    return str(made["Version"])


def _update(functions: Any, inputs: Inputs, present: str) -> str:
    """Update the function; give the number of its new version.

    On AWS one would wait between the two calls; the emulator has updated when it
    answers.

    Args:
        functions: Client of Lambda.
        inputs: The inputs.
        present: ``CodeSha256`` of the code that is there.
    """
    name = inputs["name"]
    functions.update_function_configuration(**_arguments(inputs))
    if inputs["code"].sha256 == present:
        return str(functions.publish_version(FunctionName=name)["Version"])
    published = functions.update_function_code(
        FunctionName=name,
        Architectures=inputs["architectures"],
        ZipFile=inputs["code"].path.read_bytes(),
        Publish=True,
    )
    return str(published["Version"])


def _reserve(functions: Any, inputs: Inputs) -> None:
    """Set or lift the reserved concurrency."""
    reserved = inputs.get("reservedConcurrentExecutions")
    if reserved is None:
        functions.delete_function_concurrency(FunctionName=inputs["name"])
        return
    functions.put_function_concurrency(
        FunctionName=inputs["name"], ReservedConcurrentExecutions=reserved
    )


class FunctionAlias:
    """``aws:lambda/alias:Alias``."""

    def key(self, inputs: Inputs) -> str:
        """The function and the alias."""
        return f"{inputs['functionName']}:{inputs['name']}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Point the alias at a version."""
        functions = aws.of("lambda")
        arguments = translate(
            inputs,
            {
                "functionName": "FunctionName",
                "name": "Name",
                "functionVersion": "FunctionVersion",
            },
        )
        # Else weights that somebody set would stay, and lead to another version.
        arguments["RoutingConfig"] = {"AdditionalVersionWeights": {}}
        try:
            alias = functions.create_alias(**arguments)
        except functions.exceptions.ResourceConflictException:
            alias = functions.update_alias(**arguments)
        return Made(id=self.key(inputs), outputs={"arn": alias["AliasArn"]})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the alias; the versions stay."""
        function, _, alias = known.id.partition(":")
        aws.of("lambda").delete_alias(FunctionName=function, Name=alias)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        function, _, alias = known.id.partition(":")
        answer = look.get("lambda", f"{API}/{function}/aliases/{alias}")
        return stable(answer.json()) if answer.found else None
