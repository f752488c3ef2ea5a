// What people do on the pages: by mouse, by keyboard alone, and without scripts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { PHONE, browser, live, poll, serve, visit } from "../house.mjs";

const EVIL = `<img src=x onerror="document.title='owned'">`;

let house;
let chromium;

before(async () => {
  [house, chromium] = await Promise.all([serve(), browser()]);
});

after(async () => {
  await chromium?.close();
  await house?.stop();
});

const anyDevice = async () => (await house.api("GET", "/devices?limit=1")).items[0];
const anyPerson = async () => (await house.api("GET", "/people")).items[0];

test("a change reaches an open page by itself", async () => {
  const person = await anyPerson();
  const { page, wrong, close } = await visit(chromium, house.url);
  await live(page);
  await page.evaluate(() => (window.same = true));
  const card = page.locator(`#person-${person.id}`);
  for (const home of [false, true]) {
    await house.api("PUT", `/people/${person.name}/override`, { home });
    await card.locator(".state", { hasText: home ? "here" : "away" }).waitFor();
  }
  await house.api("DELETE", `/people/${person.name}/override`);
  assert.equal(await page.evaluate(() => window.same), true, "the page was loaded again");
  assert.deepEqual(wrong, []);
  await close();
});

test("an open why? panel follows what happens", async () => {
  const person = await anyPerson();
  const { page, close } = await visit(chromium, house.url);
  await live(page);
  await page.locator(`a[href="/why/person:${person.name}"]`).click();
  for (const [home, word] of [[false, "away"], [true, "here"]]) {
    await house.api("PUT", `/people/${person.name}/override`, { home });
    await page.locator("dialog h1", { hasText: `is ${word}` }).waitFor();
  }
  await house.api("DELETE", `/people/${person.name}/override`);
  await close();
});

test("a house without an adapter says so, and offers no window", async () => {
  const { page, wrong, close } = await visit(chromium, `${house.url}/devices`);
  await live(page);
  await page.getByRole("link", { name: "let a phone pair" }).click();
  await page.getByRole("heading", { name: "Nobody can pair" }).waitFor();
  assert.match(await page.locator("#window").innerText(), /simulated: it has no Bluetooth adapter/);
  assert.equal(await page.getByRole("button", { name: /^Let a phone pair/ }).count(), 0);
  const refused = await fetch(`${house.url}/api/v1/pairing`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  assert.equal(refused.status, 503);
  assert.deepEqual(wrong, []);
  await close();
});

test("a device's hostile name is text everywhere", async () => {
  const device = await anyDevice();
  const { page, wrong, close } = await visit(chromium, `${house.url}/devices`);
  await live(page);
  await house.api("PATCH", `/devices/${device.id}`, { name: EVIL });
  await page.getByText(EVIL, { exact: true }).first().waitFor();
  await page.getByRole("link", { name: `Edit ${EVIL}` }).click();
  await page.locator("dialog h1", { hasText: EVIL }).waitFor();
  for (const path of ["/", "/people", `/devices/${device.id}`, `/why/device:${device.id}`]) {
    await page.goto(house.url + path);
    await live(page);
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
  }
  assert.doesNotMatch(await page.title(), /^owned/);
  assert.deepEqual(wrong, []);
  await house.api("PATCH", `/devices/${device.id}`, { name: "" });
  await close();
});

test("a device is renamed by keyboard alone, and the focus returns", async () => {
  const device = await anyDevice();
  const { page, wrong, close } = await visit(chromium, `${house.url}/devices?q=${encodeURIComponent(device.identities[0])}`);
  await live(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  const edit = page.getByRole("link", { name: /^Edit / });
  await tabTo(page, edit);
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  const name = page.locator("dialog input[name=name]");
  await poll("the name to have the focus", () => name.evaluate((it) => it === document.activeElement));
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("Renamed by keyboard");
  await page.keyboard.press("Enter");
  await page.locator(".row .name", { hasText: "Renamed by keyboard" }).waitFor();
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  await poll("the focus to return", () => edit.evaluate((it) => it === document.activeElement));
  assert.equal((await house.api("GET", `/devices/${device.id}`)).name, "Renamed by keyboard");
  assert.deepEqual(wrong, []);
  await close();
});

test("escape closes a dialog and changes nothing", async () => {
  const { page, close } = await visit(chromium, `${house.url}/devices`);
  const before = await house.api("GET", "/devices");
  await page.getByRole("link", { name: /^Edit / }).first().click();
  await page.locator("dialog input[name=name]").fill("Never saved");
  const asked = [];
  page.once("dialog", (it) => (asked.push(it.message()), it.dismiss()));
  await page.locator("dialog .close").click();
  assert.deepEqual(asked, ["Discard what you typed?"]);
  assert.equal(await page.locator("dialog input[name=name]").inputValue(), "Never saved");
  page.once("dialog", (it) => it.accept());
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  const names = ({ items }) => items.map((it) => it.name);
  assert.deepEqual(names(await house.api("GET", "/devices")), names(before));
  await close();
});

test("the way back closes a panel and stays on the page", async () => {
  const { page, wrong, close } = await visit(chromium, `${house.url}/people`);
  await page.goto(`${house.url}/devices`);
  for (let round = 0; round < 2; round += 1) {
    await page.getByRole("link", { name: /^Edit / }).first().click();
    await page.locator("dialog[open]").waitFor();
    await page.goBack();
    await page.locator("dialog[open]").waitFor({ state: "hidden" });
    assert.equal(new URL(page.url()).pathname, "/devices");
  }
  // Closing it by hand leaves nothing behind that has to be gone back through.
  await page.getByRole("link", { name: /^Edit / }).first().click();
  await page.locator("dialog .close").click();
  await page.locator("dialog[open]").waitFor({ state: "hidden" });
  await poll("the panel's entry to be gone", () => page.evaluate(() => !history.state?.panel));
  await page.goBack();
  await page.waitForURL(`${house.url}/people`);
  assert.deepEqual(wrong, []);
  await close();
});

test("fingers get no keyboard before they ask for one", async () => {
  const { page, close } = await visit(chromium, `${house.url}/devices`, { viewport: PHONE, hasTouch: true, isMobile: true });
  await page.getByRole("link", { name: /^Edit / }).first().tap();
  await page.locator("dialog[open]").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.className), "close");
  await close();
});

test("a phone that hides its address is proposed as one when it is given away", async () => {
  await house.api("POST", "/people", { name: "guest", display: "Guest" });
  const { items } = await house.api("GET", "/devices?limit=1000");
  const hidden = items.find((it) => it.randomised && !/watch|pad|book/i.test(it.hostname));
  await house.api("PUT", `/devices/${hidden.id}/owner`, { person: null, kind: "other" });
  const { page, wrong, close } = await visit(chromium, `${house.url}/people`);
  const card = page.locator("article", { hasText: "Guest" });
  await card.getByText("Give a device").click();
  await card.locator("select[name=device]").selectOption(String(hidden.id));
  assert.equal(await card.locator("select[name=kind]").inputValue(), "phone");
  await card.getByRole("button", { name: "Give to Guest" }).click();
  await card.locator(".chip").waitFor();
  const given = await house.api("GET", `/devices/${hidden.id}`);
  assert.deepEqual([given.owner, given.carried], ["guest", true]);
  await house.api("PUT", `/devices/${hidden.id}/owner`, { person: hidden.owner, kind: hidden.kind });
  await house.api("DELETE", "/people/guest");
  assert.deepEqual(wrong, []);
  await close();
});

test("what was said goes when the next thing goes wrong", async () => {
  const person = await anyPerson();
  const { page, close } = await visit(chromium, `${house.url}/people`);
  await live(page);
  const fold = page.locator(`#edit-${person.id}`);
  await fold.locator("summary").first().click();
  await fold.locator("input").fill(person.display);
  await fold.getByRole("button", { name: "Rename" }).click();
  await page.locator("#said", { hasText: "Saved" }).waitFor();
  await page.locator("#add input[name=display]").fill("Zoe");
  await page.locator("#add input[name=name]").fill("Not Short");
  await page.locator("#add").getByRole("button", { name: "Add" }).click();
  await page.getByRole("alert").filter({ hasText: "as in not-short" }).waitFor();
  assert.equal(await page.locator("#said").innerText(), "");
  await close();
});

test("giving a device to a person changes the person", async () => {
  await house.api("POST", "/people", { name: "visitor", display: "Visitor" });
  const { items } = await house.api("GET", "/devices?present=true&mark=normal");
  const device = items.find((it) => !it.owner) ?? items[0];
  const { page, wrong, close } = await visit(chromium, house.url);
  await live(page);
  const card = page.locator("article", { hasText: "Visitor" });
  await card.getByText("no devices yet").waitFor();
  const other = await visit(chromium, `${house.url}/devices/${device.id}`);
  await other.page.getByRole("combobox", { name: "Belongs to" }).selectOption("visitor");
  await other.page.getByLabel("What it is").selectOption("phone");
  await other.page.getByRole("button", { name: "Save" }).click();
  await card.locator(".state", { hasText: "here" }).waitFor();
  assert.equal((await house.api("GET", "/people/visitor")).presence, "present");
  assert.deepEqual([...wrong, ...other.wrong], []);
  await other.close();
  await close();
  await house.api("DELETE", "/people/visitor");
});

test("an open dialog and what is typed in it outlive a change", async () => {
  const person = await anyPerson();
  const { page, close } = await visit(chromium, `${house.url}/people`);
  await live(page);
  await page.locator("#add input[name=display]").fill("Half a na");
  await house.api("PATCH", `/people/${person.name}`, { display: "Somebody else" });
  await page.getByRole("heading", { name: "Somebody else" }).waitFor();
  assert.equal(await page.locator("#add input[name=display]").inputValue(), "Half a na");
  const fold = page.locator(`#edit-${person.id}`);
  await fold.locator("summary").first().click();
  await fold.locator("input").fill("Typing");
  await house.api("PATCH", `/people/${person.name}`, { display: person.display });
  await page.getByRole("heading", { name: person.display }).waitFor();
  assert.equal(await fold.locator("input").inputValue(), "Typing");
  assert.equal(await fold.locator("input").evaluate((it) => it === document.activeElement), true);
  await close();
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";

  test(`a person is added, refused with what was typed, and removed, ${how}`, async () => {
    const { page, close } = await visit(chromium, `${house.url}/people`, { javaScriptEnabled });
    const add = page.locator("#add");
    const field = (name) => add.locator(`input[name=${name}]`);
    await field("display").fill("Zoe of the Browser");
    await field("name").fill("Not A Short Name");
    await add.getByRole("button", { name: "Add" }).click();
    await page.getByRole("alert").filter({ hasText: "short name" }).waitFor();
    assert.equal(await field("display").inputValue(), "Zoe of the Browser");
    assert.equal(await field("name").inputValue(), "Not A Short Name");
    await field("name").fill("zoe");
    await add.getByRole("button", { name: "Add" }).click();
    const card = page.locator("article", { hasText: "Zoe of the Browser" });
    await card.waitFor();
    await card.locator("summary", { hasText: "Rename or remove" }).click();
    await card.locator("summary", { hasText: /^Remove/ }).click();
    await card.getByRole("button", { name: /^Yes, remove/ }).click();
    await card.waitFor({ state: "detached" });
    await close();
  });

  test(`a refused description keeps everything that was typed, ${how}`, async () => {
    const device = await anyDevice();
    const { page, close } = await visit(chromium, `${house.url}/devices/${device.id}`, { javaScriptEnabled });
    const long = "x".repeat(80);
    await page.getByRole("textbox", { name: "Name" }).fill(long);
    await page.getByLabel("What it is").selectOption("tablet");
    await page.getByLabel("Ignore it").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").filter({ hasText: "1 to 64 characters" }).waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Name" }).inputValue(), long);
    assert.equal(await page.getByLabel("What it is").inputValue(), "tablet");
    assert.equal(await page.getByLabel("Ignore it").isChecked(), true);
    assert.equal((await house.api("GET", `/devices/${device.id}`)).mark, device.mark);
    await close();
  });

  test(`why? shows the evidence, ${how}`, async () => {
    const { people } = await house.api("GET", "/now");
    const person = people.find((it) => it.devices.length > 0);
    const { page, close } = await visit(chromium, house.url, { javaScriptEnabled });
    await page.locator(`a[href="/why/person:${person.name}"]`).click();
    const panel = page.locator(javaScriptEnabled ? "dialog #panel" : "main #panel");
    await panel.getByRole("heading", { name: "Evidence" }).waitFor();
    assert.match(await panel.locator("h1").innerText(), new RegExp(`^${person.display} is `));
    await close();
  });
}

test("searching narrows the list while one types", async () => {
  const device = await anyDevice();
  const { page, close } = await visit(chromium, `${house.url}/devices`);
  await live(page);
  const all = await page.locator(".row.device").count();
  await page.getByPlaceholder("Name, vendor").fill(device.identities[0]);
  await poll("one row", async () => (await page.locator(".row.device").count()) === 1);
  await page.getByPlaceholder("Name, vendor").fill("");
  await poll("all rows", async () => (await page.locator(".row.device").count()) === all);
  await close();
});

test("another web page can neither read nor write", async () => {
  const { page, close } = await visit(chromium, house.url);
  await page.route("http://evil.example/", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${house.url}/people"><input name="display" value="Eve"><button>Win</button></form>`,
    }),
  );
  await page.goto("http://evil.example/");
  const read = await page.evaluate((url) => fetch(`${url}/api/v1/now`).then(() => "read", () => "refused"), house.url);
  assert.equal(read, "refused");
  await page.getByRole("button", { name: "Win" }).click();
  await page.getByText("another web page").waitFor();
  const { items } = await house.api("GET", "/people");
  assert.ok(!items.some((it) => it.display === "Eve"));
  await close();
});

/** Presses Tab until the element has the focus. */
async function tabTo(page, wanted) {
  for (let n = 0; n < 60; n += 1) {
    if (await wanted.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("the keyboard does not reach it");
}

/** Lets something change at the hub, and waits until the page has taken it over. */
async function change(page) {
  const person = await anyPerson();
  const news = page.evaluate(() => new Promise((done) => document.addEventListener("refreshed", done, { once: true })).then(() => {}));
  await house.api("PUT", `/people/${person.name}/override`, { home: false });
  await news;
  await house.api("DELETE", `/people/${person.name}/override`);
}

test("a refused name stays as it was typed, whatever happens meanwhile", async () => {
  const { page, wrong, close } = await visit(chromium, `${house.url}/monitors`);
  await live(page);
  for (const name of ["attic", "cellar"]) await house.api("POST", "/places", { name });
  await page.getByLabel("Rename or remove attic").click();
  const attic = page.locator("#places li", { hasText: "attic" });
  await attic.getByRole("textbox", { name: "Name" }).fill("cellar");
  await attic.getByRole("button", { name: "Rename" }).click();
  const refusal = attic.locator("[data-refusal]", { hasText: "cellar" });
  await refusal.waitFor();
  await page.getByRole("heading", { level: 1 }).click();
  await change(page);
  assert.equal(await refusal.isVisible(), true, "news took the reason away");
  assert.equal(await attic.getByRole("textbox", { name: "Name" }).inputValue(), "cellar");
  await attic.getByRole("textbox", { name: "Name" }).fill("loft");
  await attic.getByRole("button", { name: "Rename" }).click();
  await page.locator("#places li", { hasText: "loft" }).waitFor();
  assert.equal(await page.locator("[data-refusal]").count(), 0);
  assert.deepEqual(wrong, []);
  await close();
});

test("places are made and filled by keyboard alone, on a phone, in place", async () => {
  const viewport = PHONE;
  const { page, wrong, close } = await visit(chromium, `${house.url}/monitors`, { viewport });
  await live(page);
  await page.evaluate(() => (window.same = true));
  const monitor = (await house.api("GET", "/monitors")).items[0].monitor;
  const name = page.locator("#add-place input[name=name]");
  await tabTo(page, name);
  await page.keyboard.type("kitchen");
  await page.keyboard.press("Enter");
  const kitchen = page.locator("#places li", { hasText: "kitchen" });
  await kitchen.waitFor();
  await poll("the form to be empty again", async () => (await name.inputValue()) === "");

  const choice = page.getByLabel(`${monitor} stands in`);
  await tabTo(page, choice);
  await page.keyboard.type("kitchen");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#places li", { hasText: "kitchen" }).getByText(monitor).waitFor();
  const { items } = await house.api("GET", "/places");
  assert.deepEqual(items.find((it) => it.name === "kitchen").monitors, [monitor]);

  const summary = page.getByLabel("Rename or remove kitchen");
  await tabTo(page, summary);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove kitchen" }).click();
  const refusal = page.locator("[data-refusal]", { hasText: monitor });
  await refusal.waitFor();
  await change(page);
  assert.equal(await refusal.isVisible(), true, "news took the reason away");
  const results = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(results.violations.map((it) => it.id), []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);

  await choice.selectOption({ index: 0 });
  await page.getByRole("button", { name: `Move ${monitor}` }).click();
  await poll("the monitor to stand elsewhere", async () => {
    const { items } = await house.api("GET", "/places");
    return items.every((it) => it.name !== "kitchen" || it.monitors.length === 0);
  });
  await page.goto(`${house.url}/monitors`);
  await live(page);
  await page.getByLabel("Rename or remove kitchen").click();
  await page.getByRole("button", { name: "Remove kitchen" }).click();
  await kitchen.waitFor({ state: "detached" });
  assert.deepEqual(wrong, []);
  await close();
});
