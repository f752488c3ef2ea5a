// Starts the real program on a free port with a throw-away folder, and a real browser before it.
import { spawn, execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A port that nobody used a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The program, serving the simulated house, or a real one with these settings: `{ url, api, stop }`. */
export async function serve(settings = null) {
  const binary = process.env.MUSTER_BIN ?? join(ROOT, "target/debug/muster");
  if (!existsSync(binary)) {
    throw new Error(`no program to test: ${binary}\nhint: cargo build, or set MUSTER_BIN`);
  }
  const folder = await mkdtemp(join(tmpdir(), "muster-browser-"));
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const demo = settings === null ? ["--demo"] : [];
  // Whoever the program becomes when root starts it has to get there.
  await chmod(folder, 0o755);
  await writeFile(join(folder, "muster.toml"), settings ?? "");
  const child = spawn(binary, ["serve", ...demo, "--listen", listen], {
    cwd: folder,
    env: { ...process.env, MUSTER_DATA: join(folder, "data"), MUSTER_CONFIG: join(folder, "muster.toml") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (it) => (said += it));
  child.stderr.on("data", (it) => (said += it));
  const ended = new Promise((done) => child.once("exit", done));
  const url = `http://${listen}`;
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await poll(`the hub to answer\n${said}`, async () => {
      if (child.exitCode !== null) throw new Error(`the program ended: ${said}`);
      const ready = await fetch(`${url}/readyz`).catch(() => null);
      if (!ready?.ok) return false;
      if (settings !== null) return true;
      const { items } = await (await fetch(`${url}/api/v1/devices`)).json();
      return items.length > 3;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop, api: (method, path, body) => api(url, method, path, body) };
}

async function api(url, method, path, body) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Waits until `check` gives something true, up to a generous limit. */
export async function poll(what, check) {
  const until = Date.now() + 30_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > until) throw new Error(`waited too long for ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** A browser. Chromium is the system's; `CHROMIUM` names another one. */
export function browser() {
  const found = process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  return chromium.launch({
    executablePath: found,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1200, height: 860 };

/** A page that fails the test if a script throws or the browser refuses something. */
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (it) => wrong.push(String(it)));
  page.on("console", (it) => {
    // A form that the hub refuses is a failed load to the browser; that is what we test.
    if (it.type() === "error" && !/status of 4\d\d/.test(it.text())) wrong.push(it.text());
  });
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Waits until the page follows the stream. */
export function live(page) {
  return page.waitForFunction(() => document.documentElement.dataset.live === "yes");
}
