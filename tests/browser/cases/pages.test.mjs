// Every page in a real browser: it stands, it is accessible, it fits a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { DESKTOP, PHONE, browser, live, serve, visit } from "../house.mjs";

const PAGES = {
  now: "/",
  people: "/people",
  devices: "/devices",
  pairing: "/pairing",
  nearby: "/nearby",
  monitors: "/monitors",
  reports: "/reports",
  days: "/reports?report=days&from=2026-13-40",
  occupancy: "/reports?report=occupancy",
};
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let house;
let chromium;
let paths;

before(async () => {
  [house, chromium] = await Promise.all([serve(), browser()]);
  const { people } = await house.api("GET", "/now");
  const { items } = await house.api("GET", "/devices?limit=1");
  const absent = { missing: "/nothing" };
  const radio = (await house.api("GET", "/devices?q=BADGE-17")).items[0];
  paths = { ...PAGES, ...absent, radio: `/devices/${radio.id}`, device: `/devices/${items[0].id}`, why: `/why/person:${people[0].name}` };
});

after(async () => {
  await chromium?.close();
  await house?.stop();
});

test("every page renders, says that it is simulated, and runs without an error", async () => {
  for (const [name, path] of Object.entries(paths)) {
    const { page, wrong, close } = await visit(chromium, house.url + path);
    await live(page);
    assert.equal(await page.locator("h1").count(), 1, name);
    assert.match(await page.locator("#banners").innerText(), /Simulated/, name);
    assert.deepEqual(wrong, [], name);
    await close();
  }
});

test("every page is accessible, light and dark, wide and narrow", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [DESKTOP, PHONE]) {
      for (const [name, path] of Object.entries(paths)) {
        const { page, close } = await visit(chromium, house.url + path, { colorScheme, viewport });
        await live(page);
        await axe(page, `${name} ${colorScheme} ${viewport.width}`);
        await close();
      }
    }
  }
});

test("an open dialog and open details are accessible too", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await visit(chromium, `${house.url}/devices`, { colorScheme });
    await page.getByRole("link", { name: /^Edit / }).first().click();
    await page.locator("dialog #panel").waitFor();
    await axe(page, `edit ${colorScheme}`);
    await page.goto(`${house.url}/people`);
    for (const it of await page.locator("summary").all()) await it.click();
    await axe(page, `people unfolded ${colorScheme}`);
    await close();
  }
});

test("no page scrolls sideways on a phone, not even the smallest", async () => {
  for (const width of [320, PHONE.width]) {
    for (const [name, path] of Object.entries(paths)) {
      const { page, close } = await visit(chromium, house.url + path, { viewport: { width, height: 700 } });
      await live(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(over, 0, `${name} at ${width}`);
      await close();
    }
  }
});

test("what is small stays whole on the narrowest phones", async () => {
  await house.api("POST", "/people", { name: "maximilian", display: "Maximilian Featherstonehaugh-Longbottom" });
  const { items } = await house.api("GET", "/devices");
  const free = items.find((it) => !it.owner);
  await house.api("PATCH", `/devices/${free.id}`, { name: "the keys of the garage door that hang beside the kitchen clock" });
  await house.api("PUT", `/devices/${free.id}/owner`, { person: "maximilian", kind: "other" });
  for (const colorScheme of ["light", "dark"]) {
    for (const path of ["/", "/people", "/devices", "/nearby", "/monitors", "/reports"]) {
      const viewport = { width: 360, height: 740 };
      const { page, close } = await visit(chromium, house.url + path, { colorScheme, viewport });
      const found = await page.evaluate(() => {
        const lines = (it) => new Set([...range(it).getClientRects()].map((it) => Math.round(it.top))).size;
        const range = (it) => {
          const all = document.createRange();
          all.selectNodeContents(it);
          return all;
        };
        const wrong = [];
        // A state, a badge and a page's name have one line; a word beside a device's name breaks nowhere.
        for (const it of document.querySelectorAll(".state, .badge, .tabs a")) {
          const tall = it.getBoundingClientRect().height;
          const line = parseFloat(getComputedStyle(it).lineHeight);
          if (!it.matches(".tabs a") && tall > 1.6 * line) wrong.push(`${it.textContent.trim()}: ${tall} px`);
          if (it.matches(".tabs a") && (lines(it) > 1 || range(it).getBoundingClientRect().width > it.clientWidth)) {
            wrong.push(`tab ${it.textContent}`);
          }
        }
        for (const it of document.querySelectorAll(".chip .small")) {
          for (const word of it.textContent.matchAll(/\w+/g)) {
            const all = document.createRange();
            all.setStart(it.firstChild, word.index);
            all.setEnd(it.firstChild, word.index + word[0].length);
            if (all.getClientRects().length > 1) wrong.push(`broken: ${word[0]}`);
          }
        }
        for (const it of document.querySelectorAll(".row, .card, .panel")) {
          if (it.scrollWidth > it.clientWidth) wrong.push(`wider than its place: ${it.id}`);
        }
        const tops = [...document.querySelectorAll(".actions > form")].map(
          (it) => new Set([...it.querySelectorAll("button")].map((it) => it.offsetTop)).size,
        );
        if (tops.some((it) => it > 1)) wrong.push("buttons of one choice one below the other");
        // The bar hides nothing of the end of the page.
        window.scrollTo(0, document.body.scrollHeight);
        const foot = document.querySelector(".foot").getBoundingClientRect().bottom;
        const bar = document.querySelector(".tabs").getBoundingClientRect().top;
        if (foot > bar) wrong.push(`the bar begins at ${bar}, the page ends at ${foot}`);
        return wrong;
      });
      assert.deepEqual(found, [], `${path} ${colorScheme}`);
      await close();
    }
  }
});

test("a name that nobody can break widens no page", async () => {
  const name = "x".repeat(64);
  await house.api("POST", "/people", { name: "x".repeat(32), display: name });
  for (const path of ["/", "/people"]) {
    const { page, close } = await visit(chromium, house.url + path, { viewport: PHONE });
    await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(over, 0, path);
    await close();
  }
  await house.api("DELETE", `/people/${"x".repeat(32)}`);
});

test("evidence is a card where there is no room for columns", async () => {
  for (const [viewport, head] of [[PHONE, false], [DESKTOP, true]]) {
    const { page, close } = await visit(chromium, house.url + paths.why, { viewport });
    const table = page.getByRole("table", { name: "Evidence" });
    const { left, right } = await table.evaluate((it) => it.getBoundingClientRect());
    assert.ok(left >= 0 && right <= viewport.width, `${left} to ${right} of ${viewport.width}`);
    const columns = await table.locator("thead").evaluate((it) => it.getBoundingClientRect().width > 2);
    assert.equal(columns, head);
    assert.ok((await table.getByRole("cell").count()) > 5);
    await close();
  }
});

test("the coverage strip says in words what it shows", async () => {
  const { page, close } = await visit(chromium, `${house.url}/monitors`);
  const strip = page.getByRole("img", { name: /listen/ }).first();
  assert.match(await strip.ariaSnapshot(), /of the last 24 hours|did not listen/);
  await close();
});

test("times are the visitor's, and the server's without scripts", async () => {
  const zones = { timezoneId: "Asia/Tokyo" };
  const { page, close } = await visit(chromium, house.url, zones);
  await live(page);
  const time = page.locator("time[data-clock]").first();
  const [iso, text] = [await time.getAttribute("datetime"), await time.innerText()];
  const there = new Date(iso).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" });
  assert.ok(text.endsWith(there), `${iso} is ${text}, not ${there}`);
  await close();
});

test("the colours chosen by hand win and are remembered", async () => {
  const { page, close } = await visit(chromium, house.url, { colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const bright = await ground();
  await page.getByRole("button", { name: "Dark colours" }).click();
  const dark = await ground();
  assert.notEqual(dark, bright);
  await page.goto(`${house.url}/people`);
  assert.equal(await ground(), dark);
  await close();
});

async function axe(page, what) {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const told = violations.map((it) => `${it.id}: ${it.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`);
  assert.deepEqual(told, [], what);
}
