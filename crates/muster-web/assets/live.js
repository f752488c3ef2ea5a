// Follows the hub's stream and refreshes the live parts of the page when something changed.
import { patch } from "./patch.js";
import { localise } from "./times.js";

let running = false;
let again = false;

/** Fetches this page and takes over its live parts. Calls that come meanwhile become one more. */
export async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    do {
      again = false;
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.ok) adopt(parse(await answer.text()));
      document.dispatchEvent(new Event("refreshed"));
    } while (again);
  } catch {
    // The stream says when the hub is back, and that refreshes.
  } finally {
    running = false;
  }
}

export function parse(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  localise(page);
  return page;
}

/** Takes over the live parts of another copy of this page. */
export function adopt(page, force = false) {
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) patch(part, fresh, force);
  }
}

/** Opens the stream while the page is visible: browsers allow few connections to one host. */
export function start() {
  const lost = document.getElementById("link");
  let stream = null;
  let opened = false;
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource("/api/v1/stream");
    stream.addEventListener("open", () => {
      document.documentElement.dataset.live = "yes";
      lost.hidden = true;
      if (opened) refresh();
      opened = true;
    });
    stream.addEventListener("change", refresh);
    stream.addEventListener("snapshot", refresh);
    stream.addEventListener("error", () => {
      document.documentElement.dataset.live = "no";
      lost.hidden = false;
      if (stream?.readyState === EventSource.CLOSED) {
        stream = null;
        setTimeout(open, 2000);
      }
    });
  };
  const close = () => {
    stream?.close();
    stream = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
