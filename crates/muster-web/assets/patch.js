// Makes one piece of the page like another with as few changes as possible, so that focus, typed
// text, open details and the place on the page stay.

/** Makes `old` like `fresh`. Unless `force` is set, forms that somebody is using are left alone, and so
 * is what was refused, with the reason and what was typed. */
export function patch(old, fresh, force = false) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh.cloneNode(true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (!force && old.nodeName === "FORM" && inUse(old)) return;
  if (!force && [...old.children].some((it) => it.matches("[data-refusal]"))) return;
  attributes(old, fresh, force);
  children(old, fresh, force);
}

function inUse(form) {
  const active = document.activeElement;
  const field = active?.matches("input, select, textarea") && form.contains(active);
  return field || [...form.elements].some(changed);
}

/** Whether somebody changed a field and did not send it yet. */
export function changed(field) {
  if (field.matches("select")) return [...field.options].some((it) => it.selected !== it.defaultSelected && it.index > 0);
  if (field.matches("input[type=radio], input[type=checkbox]")) return field.checked !== field.defaultChecked;
  return field.matches("input, textarea") && field.type !== "hidden" && field.value !== field.defaultValue;
}

function attributes(old, fresh, force) {
  for (const { name } of [...old.attributes]) {
    // What a visitor unfolded stays unfolded; a form that was taken folds its own away.
    const kept = name === "open" && old.nodeName === "DETAILS";
    if (!fresh.hasAttribute(name) && !kept) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (force && old.nodeName === "INPUT" && old.type !== "radio") old.value = fresh.getAttribute("value") ?? "";
}

function children(old, fresh, force) {
  const named = new Map([...old.children].filter((it) => it.id).map((it) => [it.id, it]));
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = wanted.id ? named.get(wanted.id) : undefined;
    if (known) {
      if (known === at) at = at.nextSibling;
      else move(old, known, at);
      patch(known, wanted, force);
    } else if (at && !at.id && !wanted.id && at.nodeName === wanted.nodeName) {
      const next = at.nextSibling;
      patch(at, wanted, force);
      at = next;
    } else {
      old.insertBefore(wanted.cloneNode(true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    if (!at.id || ![...fresh.children].some((it) => it.id === at.id)) at.remove();
    at = next;
  }
}

/** Moving an element takes the focus from it: give it back. */
function move(parent, child, before) {
  const focused = child.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(child, before);
  focused?.focus({ preventScroll: true });
}
