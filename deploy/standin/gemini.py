"""generateContent in Gemini's form; answers with what the user said last."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.standin import faults

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}


def problem(status: int, message: str) -> JSONResponse:
    """Answer in the form of Google's API errors."""
    error = {"code": status, "message": message, "status": STATUS_NAMES[status]}
    return JSONResponse({"error": error}, status_code=status)


def text_of(content: object) -> str:
    """Join the text parts of one content; empty if it has another shape."""
    parts = content.get("parts") if isinstance(content, dict) else None
    return "".join(
        part["text"]
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


async def _body(request: Request) -> dict[str, Any] | None:
    """Read the body; ``contents`` is a list of objects then."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return None
    contents = body.get("contents") if isinstance(body, dict) else None
    if not isinstance(contents, list) or not contents:
        return None
    return {**body, "contents": [each for each in contents if isinstance(each, dict)]}


async def call(request: Request) -> Response:
    """Answer ``<model>:generateContent``, with the fault that it asks for."""
    if not (request.headers.get("x-goog-api-key") or request.query_params.get("key")):
        return problem(403, "no API key was given")
    model, _, method = request.path_params["call"].partition(":")
    if method != "generateContent":
        return problem(404, f"the stand-in has no method {method!r}")
    body = await _body(request)
    if body is None:
        return problem(400, "contents is required")
    try:
        fault = faults.fault_of(model, request.headers)
    except faults.UnknownFaultError as exc:
        return problem(404, f"no such fault: {exc}")
    await faults.wait(fault)
    return _answer(model, body, fault)


def _answer(model: str, body: dict[str, Any], fault: str) -> Response:
    if fault in {"429", "500"}:
        return problem(int(fault), "the request asked for this fault")
    if fault == "garbage":
        return faults.garbage()
    contents = body["contents"]
    said = [content for content in contents if content.get("role", "user") == "user"]
    answer = faults.answer_to(
        text_of(said[-1]) if said else "", text_of(body.get("systemInstruction"))
    )
    parts = [] if fault == "empty" else [{"text": answer}]
    prompt = sum(faults.tokens(text_of(content)) for content in contents)
    written = faults.tokens(answer) if parts else 0
    return JSONResponse(
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": parts},
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": prompt,
                "candidatesTokenCount": written,
                "totalTokenCount": prompt + written,
            },
            "modelVersion": model,
        }
    )


ROUTES = [Route("/{version}/models/{call}", call, methods=["POST"])]
