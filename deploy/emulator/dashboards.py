"""CloudWatch dashboards."""

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

GET = "GraniteServiceVersion20100801.GetDashboard"


class Dashboard:
    """``aws:cloudwatch/dashboard:Dashboard``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["dashboardName"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the dashboard, or replace all of it."""
        names = {"dashboardName": "DashboardName", "dashboardBody": "DashboardBody"}
        aws.of("cloudwatch").put_dashboard(**translate(inputs, names))
        return Made(id=inputs["dashboardName"])

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the dashboard."""
        aws.of("cloudwatch").delete_dashboards(DashboardNames=[known.id])

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        answer = look.call("monitoring", GET, DashboardName=known.id)
        return stable(answer.json()) if answer.found else None
