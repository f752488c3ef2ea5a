// What the radio hears, as people see it: who is near, what it sends, how receivers fare.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { PHONE, browser, live, poll, serve, visit } from "../house.mjs";

let house;
let chromium;
let thing;

before(async () => {
  [house, chromium] = await Promise.all([serve(), browser()]);
  // It is always there, and what it sends is refused by the rule for texts.
  [thing] = (await house.api("GET", "/devices?q=BADGE-17")).items;
  const path = `/devices/${thing.id}/advertisements`;
  await poll("an advertisement", async () => (await house.api("GET", path)).items.length > 0);
});

after(async () => {
  await chromium?.close();
  await house?.stop();
});

/** The signals on the page, from top to bottom. */
const signals = async (page) =>
  (await page.locator("#nearby .signal").allInnerTexts()).map((it) => Number.parseInt(it.replace("−", "-"), 10));

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";

  test(`whoever is near is listed by signal, or as one likes, ${how}`, async () => {
    const { page, wrong, close } = await visit(chromium, `${house.url}/nearby`, { javaScriptEnabled });
    const found = await signals(page);
    assert.ok(found.length >= 3, `${found}`);
    assert.deepEqual(found, [...found].sort((a, b) => b - a));
    const chart = page.getByRole("img", { name: /demo · Bluetooth LE hci0: at best -\d+ dBm/ });
    assert.ok((await chart.count()) >= 3);
    assert.match(await page.locator("#sum").innerText(), /\d+ private addresses of strangers/);
    await page.getByRole("combobox").selectOption("By name");
    if (!javaScriptEnabled) await page.getByRole("button", { name: "Show" }).click();
    await poll("the other order", async () => {
      const names = (await page.locator("#nearby .name").allInnerTexts()).map((it) => it.toLowerCase());
      return names.length > 2 && names.join() === [...names].sort().join();
    });
    assert.deepEqual(wrong, []);
    await close();
  });

  test(`what a device sends is read on its page, ${how}`, async () => {
    const { page, close } = await visit(chromium, `${house.url}/nearby`, { javaScriptEnabled });
    await page.getByRole("link", { name: "What is BADGE-17?" }).click();
    const panel = page.locator(javaScriptEnabled ? "dialog #panel" : "main #panel");
    await panel.getByRole("heading", { name: "What it is known by" }).waitFor();
    const reasons = await panel.locator(".reasons").first().innerText();
    assert.match(reasons, /random static address: known by it ble:e4:c1:38:1a:2b:3c/);
    assert.match(reasons, /text BADGE-17 in name: names nobody begins with no prefix/);
    assert.match(reasons, /bthome: names nobody/);
    assert.ok((await panel.getByRole("img", { name: /garden .* at best/ }).count()) === 1);
    await close();
  });
}

test("an hour of gaps is told in words", async () => {
  const { page, close } = await visit(chromium, `${house.url}/devices/${thing.id}`);
  const garden = page.getByRole("img", { name: /garden/ });
  assert.match(await garden.ariaSnapshot(), /nobody listened for \d+ min/);
  await close();
});

test("a device's radio is accessible in a dialog, light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await visit(chromium, `${house.url}/nearby`, { colorScheme, viewport: PHONE });
    await live(page);
    await page.getByRole("link", { name: "What is BADGE-17?" }).click();
    await page.locator("dialog .reasons").first().waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(violations.map((it) => `${it.id}: ${it.nodes.map((at) => at.target)}`), [], colorScheme);
    await close();
  }
});

test("a receiver shows how much it hears, and what it cannot", async () => {
  const { page, close } = await visit(chromium, `${house.url}/monitors`);
  const of = (name) => page.locator(".channel", { has: page.getByRole("heading", { name }) });
  // The one in the garden hears nothing for some minutes of every hour, in which this may run.
  const heard = async () => /\d+ reports? in the last minute/.test(await of(/^demo · Bluetooth/).innerText());
  await poll("reports", heard);
  assert.match(await of(/^garden/).innerText(), /listen all the time/);
  await close();
});
