// The front of the functions on Cloudflare: one host, each request to one side.
//
// FRONT is a JSON binding: {percent, ours, shared, present} as routing.js reads them,
// `origins` (base URL by name of ours), `presentOrigin` and `timeoutsMs` (longest wait
// for an answer's headers, by the same names and "present").

const ORIGIN_HEADER = "x-kiloscale-origin";

// Those of one connection (RFC 9110, 7.6.1).
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
// What a client may have written to seem another one. One header names it afterwards.
const CLIENT_ADDRESS = [
  "forwarded",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];

function problem(status, title, detail, side) {
  const headers = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (side) {
    headers[ORIGIN_HEADER] = side;
  }
  const body = JSON.stringify({ title, status, detail });
  return new Response(body, { status, headers });
}

function headersFor(request, url) {
  const headers = new Headers(request.headers);
  const named = (headers.get("connection") || "").split(",").map((each) => each.trim());
  for (const name of named.concat(HOP_BY_HOP, CLIENT_ADDRESS)) {
    if (/^[A-Za-z0-9-]+$/.test(name)) {
      headers.delete(name);
    }
  }
  const address = request.headers.get("cf-connecting-ip");
  if (address) {
    headers.set("x-forwarded-for", address);
  }
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", url.protocol.replace(":", ""));
  return headers;
}

function withSide(answer, side) {
  const headers = new Headers(answer.headers);
  headers.set(ORIGIN_HEADER, side);
  return new Response(answer.body, {
    status: answer.status,
    statusText: answer.statusText,
    headers,
  });
}

async function forward(request, url, decision, front) {
  const ours = decision.side === "ours";
  const origin = ours ? front.origins[decision.name] : front.presentOrigin;
  const waitMs = front.timeoutsMs[ours ? decision.name : "present"];
  const abort = new AbortController();
  // Stopped once the headers are here: a body may be streamed for longer.
  const timer = setTimeout(() => abort.abort(), waitMs);
  try {
    const answer = await fetch(origin + decision.path + url.search, {
      method: request.method,
      headers: headersFor(request, url),
      body: request.body,
      // A redirect is the client's to follow: this forwards to no other host.
      redirect: "manual",
      cache: "no-store",
      signal: abort.signal,
    });
    return withSide(answer, decision.side);
  } catch (error) {
    if (abort.signal.aborted) {
      const detail = `no answer from ${decision.name} within ${waitMs / 1000} s`;
      return problem(504, "Gateway timeout", detail, decision.side);
    }
    // The reason may name the origin; the log of the Worker has it.
    console.error(`${decision.side} ${decision.name}: ${error.message}`);
    const detail = `${decision.name} could not be reached`;
    return problem(502, "Bad gateway", detail, decision.side);
  } finally {
    clearTimeout(timer);
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const token = request.headers.get("authorization") || "";
    const decision = decide(url.pathname, token, env.FRONT);
    if (decision.side === "none") {
      return problem(404, "Not found", "no function has this path", "");
    }
    return forward(request, url, decision, env.FRONT);
  },
};
