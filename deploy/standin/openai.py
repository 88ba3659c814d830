"""Chat completions in OpenAI's form; answers with what the user said last."""

import json
import time
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.standin import faults


def problem(status: int, kind: str, message: str) -> JSONResponse:
    """Answer in the form of OpenAI's errors."""
    error = {"message": message, "type": kind, "param": None, "code": kind}
    return JSONResponse({"error": error}, status_code=status)


def text_of(content: object) -> str:
    """Give the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


async def _body(request: Request) -> dict[str, Any] | None:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        return None
    fits = (
        isinstance(body, dict)
        and isinstance(body.get("model"), str)
        and isinstance(body.get("messages"), list)
        and all(isinstance(message, dict) for message in body["messages"])
    )
    return body if fits else None


async def complete(request: Request) -> Response:
    """Answer a chat completion, with the fault that it asks for."""
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return problem(401, "invalid_api_key", "no API key was given")
    body = await _body(request)
    if body is None:
        message = "a model and a list of messages are required"
        return problem(400, "invalid_request_error", message)
    if body.get("stream"):
        return problem(400, "invalid_request_error", "the stand-in does not stream")
    try:
        fault = faults.fault_of(body["model"], request.headers)
    except faults.UnknownFaultError as exc:
        return problem(404, "model_not_found", f"no such fault: {exc}")
    await faults.wait(fault)
    return _answer(body, fault)


def _answer(body: dict[str, Any], fault: str) -> Response:
    if fault == "429":
        answer = problem(429, "rate_limit_exceeded", "Rate limit reached")
        answer.headers["retry-after"] = "1"
        return answer
    if fault == "500":
        return problem(500, "server_error", "The server had an error")
    if fault == "garbage":
        return faults.garbage()
    said = [message for message in body["messages"] if message.get("role") == "user"]
    text = text_of(said[-1].get("content")) if said else ""
    system = [m for m in body["messages"] if m.get("role") == "system"]
    answer_text = faults.answer_to(
        text, "".join(text_of(message.get("content")) for message in system)
    )
    prompt = sum(
        faults.tokens(text_of(message.get("content"))) for message in body["messages"]
    )
    return _completion(body["model"], "" if fault == "empty" else answer_text, prompt)


def _completion(model: str, answer: str, prompt: int) -> JSONResponse:
    written = faults.tokens(answer)
    return JSONResponse(
        {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": answer,
                        "refusal": None,
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": written,
                "total_tokens": prompt + written,
            },
        }
    )


ROUTES = [Route("/chat/completions", complete, methods=["POST"])]
