// Small steps on the page. Everything that came from outside goes in as text, never as markup,
// and nodes are changed in place, so that focus, selection and scroll outlive each update.

export const byId = (id) => document.getElementById(id);

/** Set the text of a node; the text node stays, so a selection in it stays too. */
export function text(node, value) {
  const wanted = value ?? "";
  const only = node.childNodes.length === 1 ? node.firstChild : null;
  if (only && only.nodeType === Node.TEXT_NODE) {
    if (only.data !== wanted) only.data = wanted;
  } else if (node.textContent !== wanted) {
    node.textContent = wanted;
  }
}

const told = new WeakMap();

/** Set a sentence; what stands between backticks in it is shown as code. */
export function prose(node, value) {
  const wanted = value ?? "";
  if (told.get(node) === wanted) return;
  told.set(node, wanted);
  const made = wanted.split("`").map((part, at) => {
    if (at % 2 === 0) return document.createTextNode(part);
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  node.replaceChildren(...made);
}

/** Show or hide; by the attribute, since drawings have no such property. */
export function show(node, on) {
  if (node.hasAttribute("hidden") === Boolean(on)) node.toggleAttribute("hidden", !on);
}

/** Set an attribute; null and false take it away. */
export function attr(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

export function kind(node, value) {
  if (node.className !== value) node.className = value;
}

/** Put a button out of use without taking it from the keyboard; `why` is the id of the reason. */
export function off(button, on, why = null) {
  attr(button, "aria-disabled", on ? "true" : null);
  attr(button, "aria-describedby", on ? why : null);
}

export const isOff = (button) => button.getAttribute("aria-disabled") === "true";

/** The named parts of a node, by `data-f`. */
export function parts(node) {
  const found = { root: node };
  for (const part of node.querySelectorAll("[data-f]")) found[part.dataset.f] ??= part;
  return found;
}

export function stamp(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

const rows = new WeakMap();

/** Make the children of `parent` those of `items`: one node a key, kept while the key is there. */
export function keyed(parent, items, keyOf, make, update) {
  const before = rows.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (now.has(key)) continue;
    const row = before.get(key) ?? parts(make(item));
    before.delete(key);
    now.set(key, row);
    update(row, item);
  }
  for (const row of before.values()) row.root.remove();
  arrange(parent, now.values());
  rows.set(parent, now);
  return now;
}

function arrange(parent, wanted) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let next = parent.firstElementChild;
  for (const { root } of wanted) {
    if (root === next) next = next.nextElementSibling;
    else parent.insertBefore(root, next);
  }
  // A node that moves loses the focus.
  if (focused?.isConnected && document.activeElement !== focused) {
    focused.focus({ preventScroll: true });
  }
}

/** Tell a screen reader, once it has nothing else to say. */
export function say(words) {
  text(byId("say"), words);
}

/** Copy to the clipboard, on plain http too, where browsers have no `navigator.clipboard`. */
export async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const box = document.createElement("textarea");
    const before = document.activeElement;
    box.value = words;
    box.className = "vh";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}

/** Make `button` copy what `words` returns, show that it did, and say it. */
export function copies(button, words) {
  const icon = button.querySelector("use");
  let back = 0;
  button.addEventListener("click", async () => {
    const done = await copy(words());
    say(done ? "Copied" : "Copying did not work. Select the text and copy it by hand.");
    icon.setAttribute("href", done ? "#i-tick" : "#i-cross");
    clearTimeout(back);
    back = setTimeout(() => {
      icon.setAttribute("href", "#i-copy");
      say("");
    }, 2000);
  });
}
