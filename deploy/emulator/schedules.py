"""EventBridge Scheduler schedules."""

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, pascal
from deploy.emulator.live import Look
from deploy.emulator.record import Resource


class Schedule:
    """``aws:scheduler/schedule:Schedule``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the schedule, or replace all of it."""
        scheduler = aws.of("scheduler")
        arguments = pascal(inputs)
        try:
            made = scheduler.create_schedule(**arguments)
        except scheduler.exceptions.ConflictException:
            made = scheduler.update_schedule(**arguments)
        return Made(id=inputs["name"], outputs={"arn": made["ScheduleArn"]})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the schedule."""
        aws.of("scheduler").delete_schedule(Name=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        answer = look.get("scheduler", f"/schedules/{known.id}")
        return stable(answer.json()) if answer.found else None
