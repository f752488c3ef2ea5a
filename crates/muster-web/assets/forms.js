// Sends forms without leaving the page. A refused form comes back from the server with the reason
// and with everything that was typed.
import { patch } from "./patch.js";
import { adopt, parse, refresh } from "./live.js";
import * as dialogs from "./dialogs.js";

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-theme-form]")) theme(form, event);
    else if (form.matches("[data-enhance]")) send(form, event);
  });
  // What was said before is about something else, also where the browser itself refuses.
  document.addEventListener("invalid", () => say(""), true);
  document.addEventListener("change", (event) => propose(event.target));
  search(document.querySelector("form[data-search]"));
}

/** Proposes what a device is when it is given to somebody; whoever gives it may know better. */
function propose(field) {
  const form = field.form;
  const kind = form?.elements.namedItem("kind");
  if (field.name === "device" && kind) {
    kind.value = field.selectedOptions[0]?.dataset.kind ?? "";
  } else if (field.name === "owner" && field.value && kind?.value === "other") {
    kind.value = field.dataset.owner || "other";
  }
}

async function send(form, event) {
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  if (button?.hasAttribute("aria-busy")) return;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  say("");
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    take(form, answer, parse(await answer.text()));
  } catch {
    say("The hub does not answer. What you typed is still here.");
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** Shows what came of a form. */
function take(form, answer, page) {
  const dialog = dialogs.open();
  if (dialog?.contains(form)) {
    if (answer.ok && "close" in form.dataset) {
      dialogs.close();
      refresh();
      say("Saved");
    } else if (!dialogs.fill(page)) {
      location.assign(answer.url);
    } else if (answer.ok) {
      refresh();
      say("Saved");
    }
    return;
  }
  const main = page.getElementById("main");
  const here = new URL(answer.url).pathname === location.pathname;
  if (answer.ok && !here) {
    location.assign(answer.url);
  } else if (answer.ok) {
    form.closest("details")?.removeAttribute("open");
    form.reset();
    patch(document.getElementById("main"), main, true);
    adopt(page);
    say("Saved");
  } else {
    patch(document.getElementById("main"), main, true);
    document.querySelector("#main [data-refusal]")?.focus();
  }
}

/** Says something short to everybody, screen readers too. */
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (said.textContent = ""), 4000);
}

/** What the server does for those without scripts. */
function theme(form, event) {
  event.preventDefault();
  const chosen = event.submitter?.value ?? "auto";
  const age = chosen === "auto" ? 0 : 31_536_000;
  document.cookie = `theme=${chosen}; path=/; max-age=${age}; samesite=lax`;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  for (const it of form.querySelectorAll("button")) {
    it.setAttribute("aria-pressed", String(it.value === chosen));
  }
}

/** Searches while one types. */
function search(form) {
  if (!form) return;
  let timer;
  const run = () => {
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value) url.searchParams.set(name, value);
    history.replaceState(null, "", url);
    refresh();
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(run, 150);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    run();
  });
}
