"""CloudWatch metric alarms."""

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

DESCRIBE = "GraniteServiceVersion20100801.DescribeAlarms"

ARGUMENTS = {
    "name": "AlarmName",
    "alarmDescription": "AlarmDescription",
    "namespace": "Namespace",
    "metricName": "MetricName",
    "statistic": "Statistic",
    "comparisonOperator": "ComparisonOperator",
    "threshold": "Threshold",
    "period": "Period",
    "evaluationPeriods": "EvaluationPeriods",
    "datapointsToAlarm": "DatapointsToAlarm",
    "treatMissingData": "TreatMissingData",
    "alarmActions": "AlarmActions",
    "okActions": "OKActions",
}


class MetricAlarm:
    """``aws:cloudwatch/metricAlarm:MetricAlarm`` of a single metric.

    The emulator (ministack 1.5.33) looks at an alarm only when data is put through the
    API or the alarm is written; it neither heeds dimensions nor missing data.
    """

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the alarm, or replace all of it but its state."""
        rest = {key: value for key, value in inputs.items() if key != "dimensions"}
        aws.of("cloudwatch").put_metric_alarm(
            **translate(rest, ARGUMENTS),
            Dimensions=[
                {"Name": key, "Value": value}
                for key, value in inputs["dimensions"].items()
            ],
        )
        return Made(id=inputs["name"])

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the alarm with its history."""
        aws.of("cloudwatch").delete_alarms(AlarmNames=[known.id])

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for the one of this name."""
        answer = look.call("monitoring", DESCRIBE, AlarmNames=[known.id])
        alarms = answer.json()["MetricAlarms"] if answer.found else []
        return stable(alarms[0]) if alarms else None
