// What a CDN Worker costs at least: the cache, and nothing else. The baseline.

export default {
  async fetch(request, env, ctx) {
    const copy = await caches.default.match(request);
    if (copy) {
      return copy;
    }
    const { pathname, search } = new URL(request.url);
    const filled = await fetch(env.ORIGIN + pathname + search);
    const kept = new Response(filled.body, filled);
    kept.headers.set("cache-control", "public, max-age=604800");
    ctx.waitUntil(caches.default.put(request, kept.clone()));
    return kept;
  },
};
