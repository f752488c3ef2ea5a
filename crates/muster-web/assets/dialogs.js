// Opens links marked data-dialog in a dialog over the page instead of leaving it.
import { patch } from "./patch.js";
import { parse } from "./live.js";

let dialog = null;
let opener = null;
/** Where the open panel came from. */
let source = null;

/** The dialog, if one is open. */
export function open() {
  return dialog?.open ? dialog : null;
}

export function close() {
  dialog?.close();
}

/** Shows the panel of another page. False: it has none. */
export function fill(page) {
  const panel = page.getElementById("panel");
  if (!panel) return false;
  const inside = document.importNode(panel, true);
  // Names stay unique on the page, and what lives on the page behind is refreshed there.
  inside.removeAttribute("data-live");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "close";
  button.setAttribute("aria-label", "Close");
  button.textContent = "×";
  button.addEventListener("click", close);
  dialog.replaceChildren(button, inside);
  dialog.setAttribute("aria-labelledby", "panel-title");
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[data-refusal]") ?? dialog.querySelector("[data-focus]") ?? button).focus();
  return true;
}

async function follow(link) {
  try {
    const answer = await fetch(link.href, { headers: { accept: "text/html" } });
    source = link.href;
    if (fill(parse(await answer.text()))) return;
  } catch {
    // The browser says better than we can what is wrong.
  }
  location.assign(link.href);
}

/** Evidence goes on while one reads it. What can be typed into is left alone. */
async function renew() {
  const panel = dialog.querySelector(".why-panel");
  if (!panel) return;
  const answer = await fetch(source, { headers: { accept: "text/html" } }).catch(() => null);
  const fresh = answer?.ok && parse(await answer.text()).getElementById("panel");
  if (!fresh || !panel.isConnected) return;
  fresh.removeAttribute("data-live");
  patch(panel, fresh);
}

export function start() {
  dialog = document.createElement("dialog");
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    // The row may have been redrawn meanwhile: find the same link again.
    const same = opener?.isConnected ? opener : document.querySelector(`a[href="${CSS.escape(opener?.getAttribute("href") ?? "")}"]`);
    same?.focus({ preventScroll: true });
    opener = null;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
  document.addEventListener("refreshed", renew);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-dialog]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);
    if (!link || !plain || link.closest(".panel:not(dialog .panel)")) return;
    event.preventDefault();
    if (!dialog.contains(link)) opener = link;
    follow(link);
  });
}
