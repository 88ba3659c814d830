// Does with sharp what the service does with libvips, once for each line of stdin, and
// prints the milliseconds of CPU that it took.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const asked = JSON.parse(process.argv[2]);
sharp.concurrency(asked.threads);
sharp.cache(false);

const pixels = readFileSync(asked.pixels);
const { width, height, channels, qualities, efforts, side } = asked;

function image() {
  return sharp(pixels, { raw: { width, height, channels } });
}

const jobs = {
  webp: () => image().webp({ quality: qualities.webp, effort: efforts.webp }),
  // libvips halves the colours below quality 90 by itself; sharp asks it not to.
  avif: () =>
    image().avif({
      quality: qualities.avif,
      effort: efforts.avif,
      chromaSubsampling: "4:2:0",
    }),
  thumbnail: () =>
    image()
      .resize(side, side, { fit: "inside" })
      .webp({ quality: qualities.thumbnail, effort: efforts.webp }),
};

for await (const job of createInterface({ input: process.stdin })) {
  const began = process.cpuUsage();
  await jobs[job]().toBuffer();
  const { user, system } = process.cpuUsage(began);
  console.log((user + system) / 1000);
}
