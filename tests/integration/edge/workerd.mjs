// Runs the production Worker in workerd, on loopback. Reads one JSON object from the
// command line, says {"url": ...} when it serves, and ends with its standard input.
//
//   node workerd.mjs '{"modules": FOLDER, "worker": FILE, "compatibilityDate": DATE,
//                      "bindings": {...}, "wrapper": SOURCE}'

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
// By folder: what a test installs does not stand beside this file.
const { Miniflare } = createRequire(`${given.modules}/package.json`)("miniflare");

const contents = readFileSync(given.worker, "utf8");
const worker = { type: "ESModule", path: "worker.js", contents };
const server = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: given.wrapper
    ? [{ type: "ESModule", path: "main.js", contents: given.wrapper }, worker]
    : [worker],
  compatibilityDate: given.compatibilityDate,
  compatibilityFlags: given.compatibilityFlags ?? [],
  bindings: given.bindings,
  cf: false, // else it asks Cloudflare where this machine is
});
const url = await server.ready;
console.log(JSON.stringify({ url: url.href.replace(/\/$/, "") }));

process.stdin.resume();
process.stdin.on("end", async () => {
  await server.dispose();
  process.exit(0);
});
