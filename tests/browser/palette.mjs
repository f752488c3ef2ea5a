// Rewrites a picture with a palette of up to 255 colours: pages are flat, and the documentation is
// smaller by two thirds. The browser decodes; PNG's own format (third edition) does the rest.
import { crc32, deflateSync } from "node:zlib";

/** The picture as an indexed PNG. `blank` is a page without a content policy. */
export async function withPalette(blank, png) {
  const { width, height, colours, pixels } = await blank.evaluate(reduce, png.toString("base64"));
  const rows = Buffer.from(pixels, "base64");
  const raw = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) rows.copy(raw, y * (width + 1) + 1, y * width, (y + 1) * width);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(colours.flat())),
    chunk("IDAT", deflateSync(raw, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** Runs in the browser: the most frequent colours, and for every pixel the nearest of them. */
async function reduce(base64) {
  const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const counts = new Map();
  const key = (at) => (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
  for (let at = 0; at < data.length; at += 4) counts.set(key(at), (counts.get(key(at)) ?? 0) + 1);
  const split = (it) => [it >> 16, (it >> 8) & 255, it & 255];
  const far = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const byCount = [...counts].sort((a, b) => b[1] - a[1]).map(([it]) => split(it));
  // Frequent colours first, but none beside one that is already there.
  const colours = [];
  for (const apart of [64, 8, 0]) {
    for (const it of byCount) {
      if (colours.length < 255 && !colours.some((other) => far(it, other) <= apart)) colours.push(it);
    }
  }
  const nearest = new Map();
  for (const it of counts.keys()) {
    const wanted = split(it);
    let best = 0;
    for (let n = 1; n < colours.length; n += 1) if (far(wanted, colours[n]) < far(wanted, colours[best])) best = n;
    nearest.set(it, best);
  }
  let text = "";
  for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(nearest.get(key(at)));
  return { width, height, colours, pixels: btoa(text) };
}
