// Shows times in the visitor's zone and language, and keeps "12 min ago" true.

const UNITS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [172800, 3600, "h"],
  [Infinity, 86400, "days"],
];

/** The words that the server uses too. */
function ago(then, now) {
  const seconds = Math.floor(Math.abs(now - then) / 1000);
  const [, size, unit] = UNITS.find(([limit]) => seconds < limit);
  const length = `${Math.floor(seconds / size)} ${unit}`;
  if (then > now) return `in ${length}`;
  return seconds < 10 ? "just now" : `${length} ago`;
}

function clock(then, now) {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (then.toDateString() === now.toDateString()) return then.toLocaleTimeString([], time);
  const day = { day: "numeric", month: "short" };
  if (then.getFullYear() !== now.getFullYear()) day.year = "numeric";
  return `${then.toLocaleDateString([], day)} ${then.toLocaleTimeString([], time)}`;
}

/** Rewrites all times below `root`. */
export function localise(root) {
  const now = new Date();
  for (const it of root.querySelectorAll("time[data-ago], time[data-clock]")) {
    const then = new Date(it.dateTime);
    if (Number.isNaN(then.getTime())) continue;
    const text = "ago" in it.dataset ? ago(then, now) : clock(then, now);
    if (it.textContent !== text) it.textContent = text;
    const full = then.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
    if (it.title !== full) it.title = full;
  }
}

export function start() {
  localise(document);
  setInterval(() => localise(document), 10_000);
}
