// All requests: filtered, page by page, the newest ones as they end, and one with all its fields.

import { call, sentence } from "./http.js";
import { attr, byId, keyed, kind, off, isOff, parts, prose, show, stamp, text } from "./dom.js";
import { line, took, tokens } from "./requests.js";
import { Traffic } from "./traffic.js";
import { DASH, decimal, integer, precise, size } from "./words.js";

const PAGE = 50;

export class RequestsPage {
  constructor() {
    this.f = parts(byId("reqlist"));
    this.detail = new Detail();
    this.traffic = new Traffic(() => this.filter());
    [this.shown, this.paused, this.rows, this.next, this.places, this.missed] = [false, false, [], null, [], 0];
    const { f } = this;
    f.form.addEventListener("change", () => this.asked());
    f.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.asked();
    });
    f.clear.addEventListener("click", () => {
      f.form.reset();
      this.asked();
    });
    f.pause.addEventListener("click", () => this.pause(!this.paused));
    f.fresh.addEventListener("click", () => this.first());
    f.older.addEventListener("click", () => isOff(f.older) || this.go([...this.places, this.next]));
    f.newer.addEventListener("click", () => isOff(f.newer) || this.go(this.places.slice(0, -1)));
  }

  open() {
    this.shown = true;
    this.first();
    this.traffic.read();
  }

  close() {
    this.shown = false;
  }

  /** What is asked for, without what is blank. */
  filter() {
    const { model, client, status, range, since, until } = this.f;
    const time = (field) => (field.value ? new Date(field.value).toISOString() : "");
    const between = range.value === "between";
    const all = {
      model: model.value.trim(), client: client.value.trim(), status: status.value,
      since: between ? time(since) : range.value, until: between ? time(until) : "",
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
  }

  asked() {
    const { f } = this;
    show(f.between, f.range.value === "between");
    const query = new URLSearchParams({ format: "csv", ...this.filter() });
    attr(f.csv, "href", `api/requests?${query}`);
    show(f.clear, Object.keys(this.filter()).length || f.range.value);
    this.first();
    this.traffic.read();
  }

  first() {
    this.missed = 0;
    this.go([]);
  }

  /** Read the page behind the last of `places`; an answer that comes late is not shown. */
  async go(places) {
    const { f } = this;
    const mine = (this.reading = Symbol("reading"));
    const after = places.at(-1);
    const query = new URLSearchParams({ limit: PAGE, ...this.filter(), ...(after && { after }) });
    try {
      const found = await call("GET", `api/requests?${query}`);
      if (this.reading !== mine) return;
      [this.rows, this.next, this.places] = [found.requests, found.next, places];
      show(f.err, false);
    } catch (error) {
      if (this.reading !== mine) return;
      prose(f.err, sentence(error));
      show(f.err, true);
    }
    this.update();
  }

  get still() {
    return this.paused || this.places.length > 0 || Object.keys(this.filter()).length > 0;
  }

  pause(on) {
    this.paused = on;
    attr(this.f.pause, "aria-pressed", String(on));
    text(this.f.pause, on ? "Go on" : "Pause");
    if (on) this.update();
    else this.first();
  }

  /** Take those that have ended just now: on top, unless what is shown is to stand still. */
  take(told) {
    if (!this.shown) return;
    this.traffic.keep(true);
    if (this.still) {
      this.missed += told.count;
      this.update();
    } else if (told.count > told.requests.length) {
      this.go([]); // only the newest are told
    } else {
      const fresh = new Set(told.requests.map((row) => row.id));
      const rest = this.rows.filter((row) => !fresh.has(row.id));
      const all = [...told.requests, ...rest].sort((a, b) => (a.at < b.at ? 1 : -1));
      if (all.length > PAGE) this.next = place(all[PAGE - 1]);
      this.rows = all.slice(0, PAGE);
      this.update();
    }
  }

  tick() {
    if (this.shown) this.traffic.keep();
  }

  /** Offer these names of models to the filter. */
  names(all) {
    keyed(byId("req-models"), all, (name) => name, () => document.createElement("option"), (row, name) => attr(row.root, "value", name));
  }

  update() {
    const { f, rows } = this;
    keyed(f.rows, rows, (row) => row.id, () => this.row(), (row, one) => {
      row.one = one;
      line(row, one);
      text(row.time, precise(one.at));
    });
    show(f.none, !rows.length);
    text(f.none, Object.keys(this.filter()).length ? "No request matches." : "No requests yet.");
    show(f.fresh, this.missed);
    text(f.fresh, `${integer(this.missed)} newer`);
    off(f.older, !this.next);
    off(f.newer, !this.places.length);
    text(f.page, `Page ${integer(this.places.length + 1)}`);
    show(f.pages, this.next || this.places.length);
    kind(f.dot, `dot ${this.still ? "off" : "ok"}`);
    text(f.state, this.still ? "Standing still" : "Live");
  }

  row() {
    const node = stamp("t-request-row");
    const open = node.querySelector("button");
    node.addEventListener("click", () => {
      const one = this.rows.find((row) => row.id === node.dataset.id);
      if (one) this.detail.open(one, open);
    });
    return node;
  }
}

/** The place behind a record, as the API gives it. */
const place = (row) => `${Date.parse(row.at)}.${row.id}`;

const FIELDS = [
  ["Request", (one) => one.id],
  ["Came at", (one) => precise(one.at, true)],
  ["Path", (one) => one.path],
  ["Asked for", (one) => one.asked],
  ["Model", (one) => one.model],
  ["Answered by", (one) => one.target],
  ["Client", (one) => one.client],
  ["Status", (one) => [one.status, one.error].filter(Boolean).join(" ")],
  ["Streamed", (one) => (one.streamed ? "yes" : "no")],
  ["In the queue", (one) => took(one.queue_ms)],
  ["First byte", (one) => took(one.ttft_ms)],
  ["Took", (one) => took(one.duration_ms)],
  ["Tokens in, out", (one) => tokens(one)],
  ["Tokens out", (one) => (one.estimated ? "counted from the stream" : one.tokens_out === null ? null : "as the engine said")],
  ["Tokens/s", (one) => decimal(one.tokens_per_s)],
  ["Bytes in", (one) => size(one.bytes_in)],
  ["Bytes out", (one) => size(one.bytes_out)],
];

class Detail {
  constructor() {
    this.dialog = byId("request-dialog");
    this.f = parts(this.dialog);
    this.f.keep.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
  }

  open(one) {
    keyed(this.f.values, FIELDS, ([name]) => name, () => stamp("t-fact"), (row, [name, value]) => {
      text(row.name, name);
      text(row.value, String(value(one) || DASH));
    });
    this.dialog.showModal();
  }
}
