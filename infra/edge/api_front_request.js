// The front of the functions on CloudFront, before the origin is asked.
//
// FRONT stands above: {percent, ours, shared, present} as routing.js reads them. The
// names in `ours`, and "present", are ids of the distribution's origins.

function handler(event) {
  const request = event.request;
  const header = request.headers.authorization;
  const decision = decide(request.uri, header ? header.value : "", FRONT);
  if (decision.side === "none") {
    return {
      statusCode: 404,
      statusDescription: "Not Found",
      headers: {
        "content-type": { value: "application/problem+json" },
        "cache-control": { value: "no-store" },
      },
      body: '{"title":"Not found","status":404,"detail":"no function has this path"}',
    };
  }
  request.uri = decision.path;
  request.headers["x-forwarded-host"] = { value: request.headers.host.value };
  cf.selectRequestOriginById(decision.side === "ours" ? decision.name : "present");
  return request;
}
