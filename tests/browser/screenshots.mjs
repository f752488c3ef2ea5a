// Writes the pictures of the documentation: every page, light and dark, on desktop and phone.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DESKTOP, PHONE, browser, live, serve, visit } from "./house.mjs";
import { withPalette } from "./palette.mjs";

const TO = process.argv[2] ?? fileURLToPath(new URL("../../docs/screenshots", import.meta.url));

const house = await serve();
const chromium = await browser();
try {
  await mkdir(TO, { recursive: true });
  const blank = await chromium.newPage();
  const { people } = await house.api("GET", "/now");
  const here = people.find((it) => it.presence === "present") ?? people[0];
  const pages = { now: "/", people: "/people", devices: "/devices", monitors: "/monitors", why: "/" };
  for (const colorScheme of ["light", "dark"]) {
    for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
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
  await house.stop();
}
