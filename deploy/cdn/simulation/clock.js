// The production Worker with the clock of a log: each request brings its own time, and
// they come one after the other. The Worker itself is not changed.

import worker from "./worker.js";

let nowMs = 0;

globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length ? parts : [nowMs]));
  }

  static now() {
    return nowMs;
  }
};

export default {
  fetch(request, env, ctx) {
    nowMs = Number(request.headers.get("x-replay-now-ms"));
    return worker.fetch(request, env, ctx);
  },
};
