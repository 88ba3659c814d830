/**
 * Serves the public images of a Supabase project from Cloudflare's cache.
 *
 * `*.supabase.co` is itself a zone of Cloudflare, and how a fetch() to another zone is
 * cached is for that zone to decide. So nothing here relies on `cf.cacheTtl`: copies
 * are kept by Workers Cache, which stands in front of this Worker and obeys the headers
 * of its responses, or by the Cache API.
 *
 * Bindings: CDN, the settings (infra/edge/worker_settings.py); PURGE_KEY, a secret.
 */

const UPSTREAM_TIMEOUT_MS = 20_000;

// Everything else of Supabase's response stays behind: its `set-cookie` would keep
// Workers Cache from storing, its `age` would count as ours, and its `cf-cache-status`
// would look like a hit of ours.
const KEPT_HEADERS = ["content-type", "content-length", "etag", "last-modified"];

// Whoever may upload decides what an object holds. On the app's own domain an SVG is a
// document that may run scripts, so every object is served without that right.
const SAFETY = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
  "x-content-type-options": "nosniff",
};

const QUERY_VALUE = /^[A-Za-z0-9._~-]{1,64}$/;
const ERROR_BODY_MAX_BYTES = 4_096;
const PURGE_BODY_MAX_BYTES = 65_536;
const PURGE_ENTRIES_MAX = 100; // operations of one purge call on Workers Free
const TAG_MAX_CHARS = 1_024; // with "path:" before a path; longer ones are dropped unseen

export default {
  async fetch(request, env, ctx) {
    const settings = env.CDN;
    const url = new URL(request.url);
    if (url.pathname === settings.purgePath) {
      return purge(request, url, env, ctx);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refusal(405, "only GET and HEAD", { allow: "GET, HEAD" });
    }
    const path = canonicalPath(url.pathname);
    const rule = path && findRule(settings.rules, path);
    if (!rule) {
      return refusal(404, "not a public image");
    }
    const canonical = path + canonicalQuery(url.searchParams, settings.query);
    if (settings.cache === "cache-api") {
      return fromCacheApi(request, url.origin + canonical, rule, settings, ctx);
    }
    // Workers Cache keys on the raw path and query: each spelling would be a copy.
    if (canonical !== url.pathname + url.search) {
      return refusal(301, "", {
        location: url.origin + canonical,
        "cache-control": "public, max-age=86400",
        "cloudflare-cdn-cache-control": "no-store",
      });
    }
    // With the body for HEAD too: the copy that is stored serves GET as well, and the
    // runtime leaves the body out.
    return withCacheHeaders(await fill(canonical, rule, settings), path, rule, settings);
  },
};

/** Give the one spelling of a path, or null if no object can have it. */
function canonicalPath(pathname) {
  let decoded;
  try {
    decoded = pathname.split("/").map(decodeURIComponent);
  } catch {
    return null; // a percent sign that encodes nothing
  }
  // An encoded slash, or a percent sign that encodes one for whoever decodes again,
  // could leave the allowed folder behind this check (infra/edge/names.py).
  const isOdd = (part) =>
    part === "." || part === ".." || /[/\\%\u0000-\u001f\u007f]/.test(part);
  if (decoded.some(isOdd) || decoded.slice(1).includes("")) {
    return null;
  }
  // As supabase-js writes the URLs of public objects, so that those need no redirect.
  return decoded
    .map((part) => encodeURI(part).replace(/[?#]/g, encodeURIComponent))
    .join("/");
}

/** Give the allowed parameters in a fixed order, each once; drop the others. */
function canonicalQuery(parameters, allowed) {
  const kept = allowed
    .map((name) => [name, parameters.get(name) ?? ""])
    .filter(([, value]) => QUERY_VALUE.test(value))
    .map(([name, value]) => `${name}=${value}`);
  return kept.length ? `?${kept.join("&")}` : "";
}

/** Give the first rule that matches. */
function findRule(rules, path) {
  const lower = path.toLowerCase();
  return rules.find(
    ({ prefix, suffix }) => path.startsWith(prefix) && lower.endsWith(suffix),
  );
}

/** Ask Supabase for an object; give what to answer, without cache headers. */
async function fill(canonical, rule, settings) {
  let upstream;
  try {
    upstream = await fetch(settings.origin + canonical, {
      // Always the whole object, and nothing of the caller: no cookie, no token, no
      // range and no condition.
      headers: { accept: "*/*", "user-agent": "kiloscale-cdn" },
      redirect: "manual",
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS),
    });
  } catch (error) {
    console.error({ message: "Supabase does not answer", path: canonical, error: `${error}` });
    return refusal(504, "the image cannot be fetched now");
  }
  if (upstream.status === 200) {
    return found(upstream, rule);
  }
  const headers = { "x-cdn-rule": rule.name, "x-cdn-origin-status": `${upstream.status}` };
  if (await isMissing(upstream)) {
    return refusal(404, "no such image", {
      ...headers,
      "x-cdn-filled-at": new Date().toISOString(),
    });
  }
  console.error({ message: "Supabase refuses", path: canonical, status: upstream.status });
  // 402 (the egress quota is used up), 429 and the like are no answer to keep. With a
  // 5xx Workers Cache serves the expired copy instead, while it may.
  return refusal(upstream.status >= 500 ? 502 : 503, "the image cannot be fetched now", headers);
}

/** Make the response of an object that is there. */
function found(upstream, rule) {
  const headers = new Headers(SAFETY);
  const isEncoded = upstream.headers.has("content-encoding");
  for (const name of KEPT_HEADERS) {
    const value = upstream.headers.get(name);
    // The runtime decodes the body, so an encoded one has another length.
    if (value !== null && !(isEncoded && name === "content-length")) {
      headers.set(name, value);
    }
  }
  // Fonts and canvases read images across origins; public objects are for everybody.
  headers.set("access-control-allow-origin", "*");
  headers.set("x-cdn-rule", rule.name);
  headers.set("x-cdn-filled-at", new Date().toISOString());
  // What Supabase's own CDN said, under another name.
  const originCache = upstream.headers.get("cf-cache-status");
  headers.set("x-cdn-origin-cache", originCache ?? "none");
  return new Response(upstream.body, { status: 200, headers });
}

/** Whether the object is not there: Supabase says so with status 400. */
async function isMissing(upstream) {
  if (upstream.status === 404) {
    await upstream.body?.cancel();
    return true;
  }
  if (upstream.status !== 400) {
    await upstream.body?.cancel();
    return false;
  }
  try {
    const text = await readAtMost(upstream.body, ERROR_BODY_MAX_BYTES);
    return `${JSON.parse(text).statusCode}` === "404";
  } catch {
    return false; // another 400, which says nothing about the object
  }
}

/** Say for how long Workers Cache, and a browser, may keep a response. */
function withCacheHeaders(response, path, rule, settings) {
  if (response.status >= 500) {
    return response;
  }
  const isFound = response.status === 200;
  const edgeTtlS = isFound ? rule.edgeTtlS : settings.notFoundTtlS;
  const stale = [
    `stale-while-revalidate=${settings.staleWhileRevalidateS}`,
    `stale-if-error=${settings.staleIfErrorS}`,
  ];
  // Not s-maxage: it would switch both stale directives off.
  const edge = [`max-age=${edgeTtlS}`, ...(isFound ? stale : ["stale-if-error=0"])];
  response.headers.set("cloudflare-cdn-cache-control", `public, ${edge.join(", ")}`);
  response.headers.set("cache-control", browserCacheControl(response, rule));
  response.headers.set("cache-tag", [...rule.tags, tagOf(path)].join(","));
  return response;
}

/** Say for how long a browser may keep a response; what is missing may come soon. */
function browserCacheControl(response, rule) {
  // Not no-store, which a cache in front could take for its own.
  return `public, max-age=${isThere(response) ? rule.browserTtlS : 0}`;
}

/** Name all copies of one object, whatever their `v`; commas part tags. */
function tagOf(path) {
  return `path:${path.replaceAll(",", "%2C")}`;
}

/** Answer from the Cache API of this data center, filling it if need be. */
async function fromCacheApi(request, key, rule, settings, ctx) {
  const wanted = new Headers();
  for (const name of ["range", "if-none-match", "if-modified-since"]) {
    if (request.headers.has(name)) {
      wanted.set(name, request.headers.get(name));
    }
  }
  const copy = await caches.default.match(new Request(key, { headers: wanted }));
  if (copy && isFresh(copy, rule, settings)) {
    return served(copy, "HIT", rule);
  }
  const { pathname, search } = new URL(key);
  const filled = await fill(pathname + search, rule, settings);
  if (filled.status >= 500) {
    return copy && isThere(copy) ? served(copy, "STALE", rule) : filled;
  }
  ctx.waitUntil(caches.default.put(new Request(key), stored(filled.clone(), rule, settings)));
  if (isUnchanged(request, filled)) {
    await filled.body?.cancel();
    return served(new Response(null, { status: 304, headers: filled.headers }), "MISS", rule);
  }
  return served(filled, "MISS", rule);
}

/** Whether a copy is younger than its rule allows; the Cache API keeps it for longer. */
function isFresh(copy, rule, settings) {
  const ageMs = Date.now() - Date.parse(copy.headers.get("x-cdn-filled-at"));
  return ageMs < 1_000 * (isThere(copy) ? rule.edgeTtlS : settings.notFoundTtlS);
}

/** Whether a response is of an object that is there: 200, a part of it, or unchanged. */
function isThere(response) {
  return response.status < 400;
}

/** Write the headers under which the Cache API keeps a copy. */
function stored(response, rule, settings) {
  // Beyond its time an object is kept for as long as Supabase may be away.
  const ttlS = isThere(response) ? rule.edgeTtlS + settings.staleIfErrorS : settings.notFoundTtlS;
  response.headers.set("cache-control", `public, max-age=${ttlS}`);
  return response;
}

/** Write the headers that a caller gets instead of those of the stored copy. */
function served(response, cache, rule) {
  const answer = new Response(response.body, response);
  answer.headers.set("cache-control", browserCacheControl(response, rule));
  answer.headers.delete("age"); // the browser's own time starts at once
  answer.headers.set("x-cdn-cache", cache);
  return answer;
}

/** Whether the caller has this object already (RFC 9110, 13.1.2: weak comparison). */
function isUnchanged(request, response) {
  const known = request.headers.get("if-none-match");
  const etag = response.headers.get("etag");
  if (response.status !== 200 || known === null || etag === null) {
    return false;
  }
  const strong = (tag) => tag.trim().replace(/^W\//, "");
  return known.trim() === "*" || known.split(",").some((tag) => strong(tag) === strong(etag));
}

/** Make a short answer that nobody keeps. */
function refusal(status, text, headers = {}) {
  return new Response(text ? `${text}\n` : null, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...SAFETY,
      ...headers,
    },
  });
}

/** Forget copies, for a caller who knows the key. */
async function purge(request, url, env, ctx) {
  if (request.method !== "POST") {
    return refusal(405, "only POST", { allow: "POST" });
  }
  const given = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "");
  if (!env.PURGE_KEY || !given || !(await isEqual(given[1], env.PURGE_KEY))) {
    return refusal(401, "the purge key is needed", { "www-authenticate": "Bearer" });
  }
  let wanted;
  try {
    wanted = JSON.parse(await readAtMost(request.body, PURGE_BODY_MAX_BYTES));
  } catch {
    wanted = null;
  }
  const wrong = purgeProblem(wanted);
  if (wrong) {
    return Response.json({ error: wrong }, { status: 400, headers: { "cache-control": "no-store" } });
  }
  return env.CDN.cache === "cache-api"
    ? purgeCacheApi(wanted, url.origin, env.CDN)
    : purgeWorkersCache(wanted, ctx);
}

/** Say what is wrong with a purge, or give null. */
function purgeProblem(wanted) {
  const kinds = ["tags", "pathPrefixes", "paths", "everything"];
  const given = wanted && typeof wanted === "object" ? Object.keys(wanted) : [];
  if (given.length !== 1 || !kinds.includes(given[0])) {
    return `must be an object with one of ${kinds.join(", ")}`;
  }
  if (given[0] === "everything") {
    return wanted.everything === true ? null : "everything: must be true";
  }
  const entries = wanted[given[0]];
  if (!Array.isArray(entries) || !entries.length || entries.length > PURGE_ENTRIES_MAX) {
    return `${given[0]}: must be a list of 1 to ${PURGE_ENTRIES_MAX} texts`;
  }
  const maxChars = given[0] === "paths" ? TAG_MAX_CHARS - "path:".length : TAG_MAX_CHARS;
  const isText = (entry) =>
    typeof entry === "string" && /^[\x21-\x7e]+$/.test(entry) && entry.length <= maxChars;
  if (!entries.every(isText)) {
    return `${given[0]}: each must have 1 to ${maxChars} printable ASCII characters`;
  }
  if (given[0] !== "tags" && !entries.every((entry) => entry.startsWith("/"))) {
    return `${given[0]}: each must start with /`;
  }
  return null;
}

/** Forget in Workers Cache, everywhere. Only the Worker itself may do that. */
async function purgeWorkersCache(wanted, ctx) {
  const headers = { "cache-control": "no-store" };
  if (!ctx.cache) {
    const error = "this runtime has no Workers Cache";
    return Response.json({ error }, { status: 501, headers });
  }
  const request = wanted.everything
    ? { purgeEverything: true }
    : wanted.paths
      ? { tags: wanted.paths.map((path) => tagOf(pathOf(path))) }
      : wanted;
  const result = await ctx.cache.purge(request);
  if (!result.success) {
    const error = "Cloudflare refused the purge; it allows 5 a minute";
    return Response.json({ error, errors: result.errors ?? [] }, { status: 502, headers });
  }
  return Response.json({ purged: request, scope: "everywhere" }, { headers });
}

/** Give the spelling under which a path is kept, without its query. */
function pathOf(wantedPath) {
  const { pathname } = new URL(wantedPath, "https://cdn.invalid");
  return canonicalPath(pathname) ?? pathname;
}

/** Forget in the Cache API, which can only be told about this data center. */
async function purgeCacheApi(wanted, origin, settings) {
  const headers = { "cache-control": "no-store" };
  if (!wanted.paths) {
    const error = "the Cache API knows paths only; for more, purge the zone by URL";
    return Response.json({ error }, { status: 400, headers });
  }
  const purged = [];
  for (const wantedPath of wanted.paths) {
    const { pathname, searchParams } = new URL(wantedPath, origin);
    const path = canonicalPath(pathname);
    const key = origin + path + canonicalQuery(searchParams, settings.query);
    if (path && (await caches.default.delete(new Request(key)))) {
      purged.push(wantedPath);
    }
  }
  return Response.json({ purged, scope: "this data center" }, { headers });
}

/** Compare without telling by time how much is equal; the hashes have one length. */
async function isEqual(given, expected) {
  const encoder = new TextEncoder();
  const [left, right] = await Promise.all(
    [given, expected].map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))),
  );
  return crypto.subtle.timingSafeEqual(left, right);
}

/** Read a short body as text; throw if it is longer. */
async function readAtMost(body, maxBytes) {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new RangeError(`more than ${maxBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
