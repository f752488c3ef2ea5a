// Opens links marked data-dialog in a dialog over the page instead of leaving it.
import { changed, patch } from "./patch.js";
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

/** Closes it, unless something is typed in it that its author wants to keep. */
function leave() {
  if (kept()) return false;
  close();
  return true;
}

function kept() {
  const fields = [...dialog.querySelectorAll("form")].flatMap((it) => [...it.elements]);
  return fields.some(changed) && !confirm("Discard what you typed?");
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
  button.addEventListener("click", leave);
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.append(button);
  dialog.replaceChildren(bar, inside);
  dialog.setAttribute("aria-labelledby", "panel-title");
  if (!dialog.open) {
    dialog.showModal();
    // The way back leads out of the panel, not out of the page.
    history.pushState({ panel: true }, "");
  }
  // Where fingers type, a field with the focus brings up a keyboard that hides half of the panel.
  const first = matchMedia("(pointer: coarse)").matches ? null : dialog.querySelector("[data-focus]");
  (dialog.querySelector("[data-refusal]") ?? first ?? button).focus();
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
  if (history.state?.panel) history.replaceState(null, "");
  dialog.addEventListener("cancel", (event) => {
    if (kept()) event.preventDefault();
  });
  addEventListener("popstate", () => {
    if (dialog.open && !leave()) history.pushState({ panel: true }, "");
  });
  dialog.addEventListener("close", () => {
    if (history.state?.panel) history.back();
    dialog.replaceChildren();
    // The row may have been redrawn meanwhile: find the same link again.
    const same = opener?.isConnected ? opener : document.querySelector(`a[href="${CSS.escape(opener?.getAttribute("href") ?? "")}"]`);
    same?.focus({ preventScroll: true });
    opener = null;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) leave();
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
