// The requests to the models: the newest ones, and how many there were in the last hour.

import { call } from "./http.js";
import { attr, byId, keyed, kind, parts, show, stamp, text } from "./dom.js";
import { DASH, decimal, integer } from "./words.js";

const SHOWN = 8;
const EVERY_MS = 60_000;
const SOON_MS = 5_000;
const HIGH = 26;

export class Requests {
  /** `changed()` asks for a new drawing. */
  constructor(changed) {
    this.f = parts(byId("requests"));
    this.changed = changed;
    this.rows = [];
    this.stats = null;
    this.readAt = 0;
  }

  /** Read the newest ones and the series; without an answer what is shown stays. */
  async read() {
    this.readAt = performance.now();
    try {
      const [found, stats] = await Promise.all([
        call("GET", `api/requests?limit=${SHOWN}`),
        call("GET", "api/requests/stats?window=1h&step=1m"),
      ]);
      this.rows = found.requests;
      this.stats = stats;
    } catch {
      return; // the stream of events finds out by itself
    }
    this.changed();
  }

  /** Take those that have ended just now; the chart follows a little later. */
  take(told) {
    const fresh = new Set(told.requests.map((row) => row.id));
    const rest = this.rows.filter((row) => !fresh.has(row.id));
    this.rows = [...told.requests, ...rest].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, SHOWN);
    this.keep(SOON_MS);
  }

  keep(every = EVERY_MS) {
    if (performance.now() - this.readAt > every) this.read();
  }

  update() {
    const { f, rows, stats } = this;
    show(f.root, rows.length);
    if (!rows.length) return;
    text(f.sum, stats ? words(stats) : "");
    show(f.chart, stats?.total.requests);
    if (stats) draw(f, stats.points);
    if (stats) busy(f, stats);
    keyed(f.rows, rows, (row) => row.id, () => stamp("t-request"), line);
  }
}

function words({ total, gpu_busy: gpus }) {
  if (!total.requests) return "None in the last hour";
  const some = [`${integer(total.requests)} in the last hour`];
  if (total.errors) some.push(`${integer(total.errors)} failed`);
  if (total.ttft_p95_ms !== null) some.push(`first byte within ${took(total.ttft_p95_ms)} for 95 %`);
  const read = fleet(gpus).filter((ratio) => ratio !== null);
  if (read.length) some.push(`GPUs ${integer((read.reduce((a, b) => a + b) / read.length) * 100)} % busy`);
  return some.join(", ");
}

/** How busy the GPUs of the fleet were in each step, as one; null where nobody read them. */
export function fleet(gpus) {
  const all = Object.values(gpus);
  return (all[0] ?? []).map((_, at) => {
    const known = all.map((one) => one[at]).filter((ratio) => ratio !== null);
    return known.length ? known.reduce((a, b) => a + b) / known.length : null;
  });
}

/** How busy the GPUs were, as a dashed line of its own height: the top is all of the time. */
function busy(f, { gpu_busy: gpus }) {
  const marks = fleet(gpus).map((ratio, at, all) => {
    if (ratio === null) return "";
    const before = at > 0 && all[at - 1] !== null;
    return `${before ? "L" : "M"}${at},${(HIGH - 1 - ratio * (HIGH - 3)).toFixed(1)}`;
  });
  attr(f.busy, "d", marks.join("") || "M0,0");
}

/** The requests of each minute as a line, and those that failed as bars under it. */
function draw(f, all) {
  // The last minute is not over: it would look like a fall.
  const points = all.at(-1).requests < (all.at(-2)?.requests ?? 0) ? all.slice(0, -1) : all;
  const most = Math.max(1, ...points.map((point) => point.requests));
  const x = (at) => at.toFixed(1);
  const y = (count) => (HIGH - 1 - (count / most) * (HIGH - 3)).toFixed(1);
  const line = points.map((point, at) => `${x(at)},${y(point.requests)}`).join("L");
  const failed = points.flatMap((point, at) => (point.errors ? [`M${x(at)},${HIGH}V${y(point.errors)}`] : []));
  attr(f.chart, "viewBox", `0 0 ${Math.max(1, points.length - 1)} ${HIGH}`);
  attr(f.chart, "aria-label", `Requests each minute of the last hour, at most ${integer(most)}`);
  attr(f.line, "d", `M${line}`);
  attr(f.area, "d", `M0,${HIGH}L${line}L${x(points.length - 1)},${HIGH}Z`);
  attr(f.failed, "d", failed.join("") || "M0,0");
}

export function line(row, one) {
  text(row.time, new Date(one.at).toLocaleTimeString());
  row.root.dataset.id = one.id;
  text(row.model, one.model ?? one.asked ?? DASH);
  text(row.client, one.client || DASH);
  text(row.status, [one.status, one.error].filter(Boolean).join(" "));
  kind(row.status, one.status >= 400 || one.error ? "err" : "good");
  text(row.first, took(one.streamed ? one.ttft_ms : null));
  text(row.took, took(one.duration_ms));
  text(row.tokens, tokens(one));
  text(row.speed, decimal(one.tokens_per_s));
}

/** Tokens in and out; what was only counted from the events of the stream has a tilde. */
export function tokens(one) {
  if (one.tokens_in === null && one.tokens_out === null) return DASH;
  return `${integer(one.tokens_in)} → ${one.estimated ? "~" : ""}${integer(one.tokens_out)}`;
}

export function took(ms) {
  if (ms === null || ms === undefined) return DASH;
  return ms < 1000 ? `${integer(ms)} ms` : `${decimal(ms / 1000)} s`;
}
