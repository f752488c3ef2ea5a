// What was heard over hours and days: chosen, drawn, read and taken away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, browser, live, serve, visit } from "../house.mjs";

let house;
let chromium;

before(async () => {
  [house, chromium] = await Promise.all([serve(), browser()]);
});

after(async () => {
  await chromium?.close();
  await house?.stop();
});

test("a report is chosen, drawn and read, with and without scripts", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { page, wrong, close } = await visit(chromium, `${house.url}/reports`, { javaScriptEnabled });
    if (javaScriptEnabled) await live(page);
    assert.equal(await page.locator("figure.bars svg").count(), 2, "a picture for each monitor");
    await page.locator("select[name=monitor]").selectOption("garden");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/monitor=garden/);
    const monitors = await page.locator("table.report tbody td:nth-child(2)").allInnerTexts();
    assert.ok(monitors.length > 20 && monitors.every((it) => it === "garden"), `${monitors}`);
    await page.locator("select[name=report]").selectOption("Heard for the first time");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/report=new/);
    assert.equal(await page.locator("[data-refusal]").count(), 0, "what means nothing here is left out");
    assert.equal(await page.locator("select[name=monitor]").count(), 0);
    assert.deepEqual(wrong, []);
    await close();
  }
});

test("what is taken away is what is shown", async () => {
  const { page, close } = await visit(chromium, `${house.url}/reports?report=signals`, { viewport: PHONE });
  await live(page);
  const shown = await page.locator("table.report tbody tr").count();
  const href = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
  const csv = await (await fetch(house.url + href)).text();
  assert.equal(csv.trim().split(/\r?\n/).length - 1, shown);
  const book = await page.getByRole("link", { name: "XLSX" }).getAttribute("href");
  const bytes = Buffer.from(await (await fetch(house.url + book)).arrayBuffer());
  assert.equal(bytes.subarray(0, 2).toString(), "PK", "a workbook is a zip archive");
  await close();
});

test("a wrong date is said, and what was typed stays", async () => {
  const { page, close } = await visit(chromium, `${house.url}/reports?report=days&from=2026-13-40&person=anna`);
  assert.match(await page.locator("[data-refusal]").innerText(), /that is no date: 2026-13-40/);
  assert.equal(await page.locator("select[name=report]").inputValue(), "days");
  assert.equal(await page.locator("select[name=person]").inputValue(), "anna");
  await close();
});
