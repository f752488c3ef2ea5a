// Writes the pictures of the documentation: every page, light and dark, on desktop and phone; and a
// sink, which the simulated house has none of, at a real hub.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "node:net";
import { DESKTOP, PHONE, browser, live, poll, serve, visit } from "./house.mjs";
import { withPalette } from "./palette.mjs";

const TO = process.argv[2] ?? fileURLToPath(new URL("../../docs/screenshots", import.meta.url));

const graphite = createServer((it) => it.resume()).listen(2003, "127.0.0.1");
const [house, real] = await Promise.all([
  serve(),
  serve("[sources.lan]\nenabled = false\n\n[sinks.graphite]\nenabled = true\n"),
]);
const chromium = await browser();
try {
  await mkdir(TO, { recursive: true });
  const blank = await chromium.newPage();
  const { people } = await house.api("GET", "/now");
  const here = people.find((it) => it.presence === "present") ?? people[0];
  const pages = { now: "/", people: "/people", devices: "/devices", nearby: "/nearby", monitors: "/monitors", reports: "/reports", why: "/" };
  await poll("a delivery", async () => (await real.api("GET", "/sinks")).items[0].state === "delivering");
  for (const colorScheme of ["light", "dark"]) {
    for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      const { page, close } = await visit(chromium, `${real.url}/monitors`, { viewport, colorScheme });
      await live(page);
      const sink = await page.locator("#sink-graphite").screenshot();
      await writeFile(join(TO, `sink-${colorScheme}-${screen}.png`), await withPalette(blank, sink));
      await close();
      for (const [name, path] of Object.entries(pages)) {
        const { page, close } = await visit(chromium, house.url + path, { viewport, colorScheme });
        await live(page);
        if (name === "why") {
          await page.locator(`a[href="/why/person:${here.name}"]`).click();
          await page.locator("dialog .panel").waitFor();
        }
        const picture = await withPalette(blank, await page.screenshot());
        await writeFile(join(TO, `${name}-${colorScheme}-${screen}.png`), picture);
        await close();
      }
    }
  }
} finally {
  await chromium.close();
  await Promise.all([house.stop(), real.stop()]);
  graphite.close();
}
