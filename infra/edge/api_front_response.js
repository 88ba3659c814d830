// The front of the functions on CloudFront, before the viewer gets the answer.
//
// CloudFront does not run it for answers of 400 and above.

function handler(event) {
  const header = event.request.headers.authorization;
  const decision = decide(event.request.uri, header ? header.value : "", FRONT);
  // A path that was rewritten for the present functions may be none of the front's.
  const side = decision.side === "none" ? "present" : decision.side;
  event.response.headers["x-kiloscale-origin"] = { value: side };
  return event.response;
}
