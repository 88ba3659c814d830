"""SSM parameters."""

from deploy.emulator.attributes import Attributes
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

ARGUMENTS = {
    "name": "Name",
    "description": "Description",
    "type": "Type",
    "keyId": "KeyId",
    "value": "Value",
}


class Parameter:
    """``aws:ssm/parameter:Parameter``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the parameter, or give it a new version."""
        ssm = aws.of("ssm")
        ssm.put_parameter(**translate(inputs, ARGUMENTS), Overwrite=True)
        found = ssm.get_parameter(Name=inputs["name"])["Parameter"]
        return Made(id=inputs["name"], outputs={"arn": found["ARN"]})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the parameter with all its versions."""
        aws.of("ssm").delete_parameter(Name=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it, still encrypted."""
        answer = look.call("ssm", "AmazonSSM.GetParameter", Name=known.id)
        if not answer.found:
            return None
        found = answer.json()["Parameter"]
        return {name: found.get(name) for name in ("Type", "Version")}
