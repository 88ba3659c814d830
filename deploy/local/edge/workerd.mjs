// Runs a Worker in workerd, on loopback. Reads a file with one JSON object, says
// {"url": ...} when it serves, and ends by SIGTERM or, if asked, with its input.
//
//   node workerd.mjs FILE
//
//   {"modules": FOLDER, "worker": FILE, "compatibilityDate": DATE, "bindings": {...},
//    "wrapper": SOURCE, "port": NUMBER, "endsWithInput": BOOLEAN}
//
// By a file, since it holds a key: every user of the machine can list arguments.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
// By folder: what is installed does not stand beside this file.
const { Miniflare } = createRequire(`${given.modules}/package.json`)("miniflare");

const contents = readFileSync(given.worker, "utf8");
const worker = { type: "ESModule", path: "worker.js", contents };
const server = new Miniflare({
  host: "127.0.0.1",
  port: given.port ?? 0,
  modules: given.wrapper
    ? [{ type: "ESModule", path: "main.js", contents: given.wrapper }, worker]
    : [worker],
  compatibilityDate: given.compatibilityDate,
  compatibilityFlags: given.compatibilityFlags ?? [],
  bindings: given.bindings,
  cf: false, // else it asks Cloudflare where this machine is
});

async function stop() {
  await server.dispose();
  process.exit(0);
}
process.on("SIGTERM", stop);

const url = await server.ready;
console.log(JSON.stringify({ url: url.href.replace(/\/$/, "") }));

if (given.endsWithInput) {
  process.stdin.resume();
  process.stdin.on("end", stop);
}
