"""Function URLs and the permissions to call functions."""

import json

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.functions import API
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

URL_API = "/2021-10-31/functions"


class FunctionUrl:
    """``aws:lambda/functionUrl:FunctionUrl``."""

    def key(self, inputs: Inputs) -> str:
        """The function and the alias that answers."""
        return f"{inputs['functionName']}:{inputs['qualifier']}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the URL, or update who may call it."""
        functions = aws.of("lambda")
        arguments = translate(
            inputs,
            {
                "functionName": "FunctionName",
                "qualifier": "Qualifier",
                "authorizationType": "AuthType",
            },
        )
        try:
            url = functions.create_function_url_config(**arguments)
        except functions.exceptions.ResourceConflictException:
            url = functions.update_function_url_config(**arguments)
        outputs = {"functionUrl": url["FunctionUrl"]}
        return Made(id=self.key(inputs), outputs=outputs)

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the URL; a new one will have another address."""
        function, _, alias = known.id.partition(":")
        aws.of("lambda").delete_function_url_config(
            FunctionName=function, Qualifier=alias
        )

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        function, _, alias = known.id.partition(":")
        answer = look.get("lambda", f"{URL_API}/{function}/url", Qualifier=alias)
        return stable(answer.json()) if answer.found else None


class Permission:
    """``aws:lambda/permission:Permission``."""

    def key(self, inputs: Inputs) -> str:
        """The function, the alias and the statement."""
        parts = (inputs["function"], inputs["qualifier"], inputs["statementId"])
        return ":".join(parts)

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the statement; one of the same id is replaced."""
        functions = aws.of("lambda")
        arguments = translate(
            inputs,
            {
                "function": "FunctionName",
                "qualifier": "Qualifier",
                "statementId": "StatementId",
                "action": "Action",
                "principal": "Principal",
                "functionUrlAuthType": "FunctionUrlAuthType",
                "invokedViaFunctionUrl": "InvokedViaFunctionUrl",
            },
        )
        try:
            functions.add_permission(**arguments)
        except functions.exceptions.ResourceConflictException:
            self._remove(aws, self.key(inputs))
            functions.add_permission(**arguments)
        return Made(id=self.key(inputs))

    def delete(self, aws: Clients, known: Resource) -> None:
        """Remove the statement."""
        self._remove(aws, known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Look for its id in the alias's policy."""
        function, alias, statement = known.id.split(":")
        answer = look.get("lambda", f"{API}/{function}/policy", Qualifier=alias)
        if not answer.found:
            return None
        statements = json.loads(answer.json()["Policy"])["Statement"]
        return next((each for each in statements if each["Sid"] == statement), None)

    def _remove(self, aws: Clients, key: str) -> None:
        function, alias, statement = key.split(":")
        aws.of("lambda").remove_permission(
            FunctionName=function, Qualifier=alias, StatementId=statement
        )
