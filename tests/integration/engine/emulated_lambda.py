"""What AWS's provider would do to functions and aliases, done to the emulator.

``fake_pulumi.py`` asks it over HTTP, since each call of it is a new process, in which
botocore alone would need a second.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

Outputs = dict[str, Any]


class Provider:
    """A server in a thread: takes an action, a type and properties; gives outputs.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, client: Any) -> None:
        provider = self
        self._client = client

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                answer = provider.answer(*json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, action: str, kind: str, properties: Outputs) -> Outputs:
        """Do what is asked; ``read`` gives what is there, ``apply`` makes it so."""
        of_kind = {
            "aws:lambda/function:Function": self._function,
            "aws:lambda/alias:Alias": self._alias,
        }[kind]
        return {**properties, **of_kind(action, properties)}

    def _function(self, action: str, properties: Outputs) -> Outputs:
        if action == "read":
            return {}  # versions stay, whatever the alias does
        made = self._client.update_function_code(
            FunctionName=properties["name"],
            ZipFile=Path(properties["code"]).read_bytes(),
            Publish=True,
        )
        return {"version": made["Version"]}

    def _alias(self, action: str, properties: Outputs) -> Outputs:
        named = {"FunctionName": properties["functionName"], "Name": properties["name"]}
        if action == "read":
            found = self._client.get_alias(**named)
        else:
            version = properties["functionVersion"]
            found = self._client.update_alias(**named, FunctionVersion=version)
        return {"functionVersion": found["FunctionVersion"]}
