// Which side answers a request: our functions, the app's present ones, or nobody.
//
// Inlined into the Worker and into the CloudFront Function, so only what both runtimes
// have; each brings `createHash` and `Buffer`. infra/front_routing.py is the reference:
// a test compares all three. A token is read here and not verified: whoever forges one
// chooses a side and is refused by that side.

const PATH =
  /^\/functions\/v1\/([A-Za-z0-9_-]{1,64})((?:\/[A-Za-z0-9_~%-][A-Za-z0-9._~%:@-]*)*\/?)$/;
const ENCODED = /%(?:2e|2f|5c|25|00)/i;
const PATH_MAX = 1024;
const BEARER =
  /^bearer +[A-Za-z0-9_-]{1,2048}\.([A-Za-z0-9_-]{1,4096})\.[A-Za-z0-9_-]{0,2048}$/i;
const SUBJECT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// `$` matches before a last line break as well in engines that use PCRE.
function whole(pattern, text) {
  const found = pattern.exec(text);
  return found && found[0].length === text.length ? found : null;
}

function subjectOf(authorization) {
  const found = whole(BEARER, authorization);
  // One character beyond a whole byte: engines differ in what they make of it.
  if (!found || found[1].length % 4 === 1) {
    return "";
  }
  let claims = null;
  try {
    claims = JSON.parse(Buffer.from(found[1], "base64url").toString("utf8"));
  } catch (error) {
    return "";
  }
  const isObject = claims !== null && typeof claims === "object";
  if (!isObject || typeof claims.sub !== "string") {
    return "";
  }
  // Lower case of ASCII only: some letters of other scripts become ASCII ones.
  const subject = claims.sub.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return whole(SUBJECT, subject) ? subject : "";
}

function bucketOf(subject) {
  const digest = createHash("sha256").update(subject).digest("hex");
  return parseInt(digest.slice(0, 8), 16) % 100;
}

function isOurs(name, authorization, front) {
  if (front.ours.indexOf(name) < 0) {
    return false;
  }
  if (front.shared.indexOf(name) < 0 || front.percent >= 100) {
    return true;
  }
  const subject = front.percent > 0 ? subjectOf(authorization) : "";
  return subject !== "" && bucketOf(subject) < front.percent;
}

// `front.present` is the path of the present functions' base, null where there are none.
function decide(path, authorization, front) {
  const found = path.length <= PATH_MAX ? whole(PATH, path) : null;
  if (!found || ENCODED.test(path)) {
    return { side: "none", name: "", path: path };
  }
  const name = found[1];
  if (isOurs(name, authorization, front)) {
    return { side: "ours", name: name, path: path };
  }
  if (front.present === null) {
    return { side: "none", name: name, path: path };
  }
  return { side: "present", name: name, path: front.present + "/" + name + found[2] };
}
