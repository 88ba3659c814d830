"""What invokes functions from a queue, and what happens to failed invocations."""

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, pascal
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

MAPPING_API = "/2015-03-31/event-source-mappings"
FAILURES_API = "/2019-09-25/functions"


class EventSourceMapping:
    """``aws:lambda/eventSourceMapping:EventSourceMapping``."""

    def key(self, inputs: Inputs) -> str:
        """The queue: a mapping may change its function, but not its source."""
        return str(inputs["eventSourceArn"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the mapping, or update the one of this queue."""
        functions = aws.of("lambda")
        arguments = pascal(inputs)
        uuid = known.id if known else self._find(aws, inputs)
        if uuid:
            # The source is what identifies it, and is no argument of an update.
            del arguments["EventSourceArn"]
            # What an update leaves out stays, and somebody may have turned it off.
            arguments.setdefault("Enabled", True)
            functions.update_event_source_mapping(UUID=uuid, **arguments)
        else:
            uuid = functions.create_event_source_mapping(**arguments)["UUID"]
        return Made(id=uuid, outputs={"uuid": uuid})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the mapping; the queue keeps its messages."""
        aws.of("lambda").delete_event_source_mapping(UUID=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        answer = look.get("lambda", f"{MAPPING_API}/{known.id}")
        return stable(answer.json()) if answer.found else None

    def _find(self, aws: Clients, inputs: Inputs) -> str | None:
        """Find an unrecorded mapping; a second one would take half the messages."""
        found = aws.of("lambda").list_event_source_mappings(
            EventSourceArn=inputs["eventSourceArn"]
        )
        return next((each["UUID"] for each in found["EventSourceMappings"]), None)


class FunctionEventInvokeConfig:
    """``aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig``."""

    def key(self, inputs: Inputs) -> str:
        """The function and the alias."""
        return f"{inputs['functionName']}:{inputs['qualifier']}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the configuration."""
        aws.of("lambda").put_function_event_invoke_config(**pascal(inputs))
        return Made(id=self.key(inputs))

    def delete(self, aws: Clients, known: Resource) -> None:
        """Go back to Lambda's own handling of failures."""
        function, _, alias = known.id.partition(":")
        aws.of("lambda").delete_function_event_invoke_config(
            FunctionName=function, Qualifier=alias
        )

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        function, _, alias = known.id.partition(":")
        path = f"{FAILURES_API}/{function}/event-invoke-config"
        answer = look.get("lambda", path, Qualifier=alias)
        return stable(answer.json()) if answer.found else None
