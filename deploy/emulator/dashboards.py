"""CloudWatch dashboards."""

from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

LIST = "GraniteServiceVersion20100801.ListDashboards"


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

    def exists(self, look: Look, known: Resource) -> bool:
        """Look for its name among those that begin with it."""
        answer = look.call("monitoring", LIST, DashboardNamePrefix=known.id)
        entries = answer.json()["DashboardEntries"] if answer.found else []
        return any(each["DashboardName"] == known.id for each in entries)
