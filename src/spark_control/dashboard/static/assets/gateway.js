// The gateway: where every name goes and how it is there, the aliases, the limits, the workers.

import { call, sentence } from "./http.js";
import { byId, isOff, keyed, kind, off, parts, prose, say, show, stamp, text } from "./dom.js";
import { DASH, decimal, integer, list, moment } from "./words.js";

const EVERY_MS = 3_000;
const NAMES = 12;
const DOES = { transcribe: "Speech to text", speak: "Text to speech", embed: "Embeddings" };
const KINDS = { engine: "Engine", service: "Service", outside: "Outside server" };
const STATES = {
  serving: ["ok", "Serving"],
  leaving: ["warn", "Leaving for a switch"],
  loading: ["warn", "Loading"],
  idle: ["off", "No engine"],
  silent: ["crit", "Not answering"],
  wedged: ["crit", "Makes no tokens"],
  off: ["off", "Switched off"],
  unknown: ["off", "Not asked yet"],
};
const LIMITS = [
  ["engine_in_flight", "Requests at once, each engine", ""],
  ["audio_in_flight", "Requests at once, each speech service", ""],
  ["queue_length", "Waiting, each engine", ""],
  ["queue_wait_s", "Longest wait", "s"],
  ["queue_share_percent", "Of the queue for one client", "%"],
  ["max_body_mb", "Largest body", "MB"],
  ["max_upload_mb", "Largest upload", "MB"],
];

export class GatewayPage {
  /** `read(names)` is told the names of all models. */
  constructor(read) {
    this.f = parts(byId("view-gateway"));
    [this.read_, this.shown, this.readAt, this.now] = [read, false, 0, null];
    this.aliases = new Aliases(this.f, () => this.read());
  }

  open() {
    this.shown = true;
    this.read();
  }

  close() {
    this.shown = false;
  }

  tick() {
    if (this.shown && performance.now() - this.readAt > EVERY_MS) this.read();
  }

  async read() {
    this.readAt = performance.now();
    try {
      this.now = await call("GET", "api/gateway");
      show(this.f.err, false);
    } catch (error) {
      prose(this.f.err, sentence(error));
      show(this.f.err, error.status); // without any answer the stream of events says so
      return;
    }
    const names = [...new Set(this.now.places.flatMap((place) => place.models))];
    this.read_(names);
    this.update(names);
  }

  update(names) {
    const { f, now } = this;
    const some = [`${integer(now.running)} running`, `${integer(now.waiting)} waiting`];
    text(f.sum, some.join(", "));
    keyed(f.places, now.places, (one) => `${one.kind} ${one.name} ${one.capability}`, () => stamp("t-place"), placed);
    show(f.noplaces, !now.places.length);
    keyed(f.limits, LIMITS, ([key]) => key, () => stamp("t-fact"), (row, [key, name, unit]) => {
      text(row.name, name);
      text(row.value, [integer(now.limits[key]), unit].filter(Boolean).join(" "));
    });
    keyed(f.workers, now.workers, (one) => one.pid, () => stamp("t-worker"), (row, one) => {
      text(row.pid, String(one.pid));
      text(row.connections, integer(one.connections));
      text(row.waiting, integer(one.waiting));
      text(row.lag, `${decimal(one.lag_ms)} ms`);
    });
    show(f.noworkers, !now.workers.length);
    this.aliases.update(now.aliases, names);
  }
}

function placed(row, one) {
  const [first, ...rest] = one.models;
  text(row.model, first ?? DASH);
  const more = rest.length > NAMES ? [...rest.slice(0, NAMES), `${integer(rest.length - NAMES)} more`] : rest;
  text(row.more, [DOES[one.capability], ...more].filter(Boolean).join(", "));
  text(row.to, one.name);
  text(row.kind, KINDS[one.kind] ?? one.kind);
  text(row.url, one.base_url);
  const [tone, word] = STATES[one.state] ?? ["off", one.state];
  kind(row.dot, `dot ${tone}`);
  text(row.state, tone === "crit" && one.since ? `${word} since ${moment(one.since)}` : word);
  text(row.running, `${integer(one.running)} running`);
}

/** The aliases, kept in one setting; a change that somebody else made meanwhile is not undone. */
class Aliases {
  constructor(f, saved) {
    this.f = f;
    this.saved = saved;
    f.aliasform.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isOff(f.addalias)) this.add();
    });
  }

  update(aliases, names) {
    const { f } = this;
    keyed(f.aliases, aliases, (one) => one.name, () => this.row(), (row, one) => {
      text(row.name, one.name);
      text(row.model, one.model);
      const why = one.shadowed ? "A model has this name and wins" : one.to.length ? `on ${list(one.to)}` : "Not served now";
      text(row.to, why);
      kind(row.to, one.to.length ? "hint" : "hint warnt");
      row.root.dataset.name = one.name;
      row.drop.setAttribute("aria-label", `Remove alias ${one.name}`);
    });
    show(f.noaliases, !aliases.length);
    keyed(byId("alias-models"), ["default", ...names], (name) => name, () => document.createElement("option"), (row, name) => row.root.setAttribute("value", name));
  }

  row() {
    const node = stamp("t-alias");
    const drop = node.querySelector("button");
    drop.addEventListener("click", () => this.change(({ [node.dataset.name]: _, ...rest }) => rest, `Alias ${node.dataset.name} removed`));
    return node;
  }

  async add() {
    const { aliasname: name, aliasmodel: model } = this.f;
    const [key, value] = [name.value.trim(), model.value.trim()];
    if (!key || !value) return;
    const done = await this.change((all) => ({ ...all, [key]: value }), `Alias ${key} saved`);
    if (!done) return;
    name.value = model.value = "";
    name.focus();
  }

  async change(how, words) {
    const { f } = this;
    off(f.addalias, true);
    try {
      const { version, settings } = await call("GET", "api/settings");
      const before = JSON.parse(settings.find((one) => one.name === "ALIASES").value || "{}");
      const after = how(before);
      const value = Object.keys(after).length ? JSON.stringify(after) : null;
      await call("PUT", "api/settings", { version, values: { ALIASES: value } });
      show(f.aliaserr, false);
      say(words);
      this.saved();
      return true;
    } catch (error) {
      prose(f.aliaserr, error.status === undefined ? "The aliases could not be read." : sentence(error));
      show(f.aliaserr, true);
      return false;
    } finally {
      off(f.addalias, false);
    }
  }
}
