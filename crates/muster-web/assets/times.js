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

/** How long until then: `1:05 left`. */
function left(then, now) {
  const seconds = Math.max(0, Math.ceil((then - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
}

/** Rewrites what counts down, each second. */
function count(root) {
  const now = new Date();
  for (const it of root.querySelectorAll("time[data-left]")) {
    const then = new Date(it.dateTime);
    const text = Number.isNaN(then.getTime()) ? it.textContent : left(then, now);
    if (it.textContent !== text) it.textContent = text;
  }
}

/** Rewrites all times below `root`. */
export function localise(root) {
  count(root);
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
  setInterval(() => count(document), 1_000);
}
