// Shows openapi.json as a page: every route with its parameters, its body and a curl line.

const CHANGES = new Set(["post", "put", "delete"]);

function el(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

// An example of a schema; `seen` keeps shapes that hold themselves from going on for ever.
function example(schema, all, seen = []) {
  if (!schema) return null;
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return seen.includes(name) ? {} : example(all[name], all, [...seen, name]);
  }
  const choice = (schema.anyOf || schema.oneOf || []).find((one) => one.type !== "null");
  if (choice) return example(choice, all, seen);
  if (schema.type === "array") return [example(schema.items, all, seen)];
  if (schema.type === "object" || schema.properties) {
    const made = Object.entries(schema.properties || {}).map(([k, v]) => [k, example(v, all, seen)]);
    return Object.fromEntries(made);
  }
  return { string: "…", integer: 0, number: 0, boolean: false }[schema.type] ?? null;
}

function curl(verb, path, body) {
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  const words = ["curl"];
  if (verb !== "get") words.push("-X", verb.toUpperCase());
  words.push(`'${base}${path}'`);
  if (body) words.push("\\\n  -H 'Content-Type: application/json' \\\n  -d", `'${JSON.stringify(body)}'`);
  return words.join(" ");
}

function block(title, text) {
  const part = el("div");
  part.append(el("p", "hint", title), el("pre", "", text));
  return part;
}

function route(path, verb, op, all) {
  const node = el("details", "route");
  const head = el("summary");
  head.append(el("span", `pill verb${CHANGES.has(verb) ? " acc" : ""}`, verb.toUpperCase()));
  head.append(el("code", "", path), el("span", "what", (op.description || op.summary || "").split("\n\n")[0]));
  const inside = el("div", "inside");
  const more = (op.description || "").split("\n\n").slice(1).join(" ");
  if (more) inside.append(el("p", "", more));
  const params = (op.parameters || []).filter((one) => one.in !== "header");
  if (params.length) {
    inside.append(block("Parameters", params.map((one) => `${one.name} (${one.in}${one.required ? ", required" : ""})`).join("\n")));
  }
  const body = example(op.requestBody?.content?.["application/json"]?.schema, all);
  if (body) inside.append(block("Body", JSON.stringify(body, null, 2)));
  const good = Object.entries(op.responses || {}).find(([status]) => status.startsWith("2"));
  const answer = example(good?.[1]?.content?.["application/json"]?.schema, all);
  if (answer && Object.keys(answer).length) inside.append(block(`Answer ${good[0]}`, JSON.stringify(answer, null, 2)));
  inside.append(block("In a shell", curl(verb, path, body)));
  node.append(head, inside);
  return node;
}

function card(tag, rows, all) {
  const node = el("section", "card");
  const head = el("div", "ch");
  head.append(el("h2", "", tag[0].toUpperCase() + tag.slice(1)), el("span", "hint", `${rows.length} routes`));
  node.append(head, ...rows.map(([path, verb, op]) => route(path, verb, op, all)));
  return node;
}

async function show() {
  const place = document.getElementById("routes");
  const answer = await fetch("openapi.json");
  if (!answer.ok) {
    const text = answer.status === 401 ? "Sign in on the page first, then load this again." : `The list could not be loaded (${answer.status}).`;
    place.replaceChildren(el("p", "err", text));
    return;
  }
  const api = await answer.json();
  const groups = new Map();
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, op] of Object.entries(verbs)) {
      const tag = (op.tags || ["other"])[0];
      groups.set(tag, [...(groups.get(tag) || []), [path, verb, op]]);
    }
  }
  const cards = [...groups].map(([tag, rows]) => card(tag, rows, api.components?.schemas || {}));
  place.replaceChildren(...cards);
  place.removeAttribute("aria-busy");
}

show();
