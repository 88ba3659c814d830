"""CloudWatch log groups."""

from contextlib import suppress

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made
from deploy.emulator.live import Look
from deploy.emulator.record import Resource


class LogGroup:
    """``aws:cloudwatch/logGroup:LogGroup``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the group unless it is there, and set how long it keeps its events."""
        logs = aws.of("logs")
        group = inputs["name"]
        # A function that ran before its group was made has made it.
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(
            logGroupName=group, retentionInDays=inputs["retentionInDays"]
        )
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        arn = next(each["arn"] for each in found if each["logGroupName"] == group)
        # The provider gives the ARN of the group, the API that of its streams.
        return Made(id=group, outputs={"arn": arn.removesuffix(":*")})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the group with its events."""
        aws.of("logs").delete_log_group(logGroupName=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Look for its name among those that begin with it."""
        answer = look.call(
            "logs", "Logs_20140328.DescribeLogGroups", logGroupNamePrefix=known.id
        )
        groups = answer.json()["logGroups"] if answer.found else []
        found = [group for group in groups if group["logGroupName"] == known.id]
        return stable(found[0]) if found else None
