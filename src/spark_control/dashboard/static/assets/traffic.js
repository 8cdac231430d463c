// The charts of the requests: how many, how fast, how soon, and how busy the GPUs were meanwhile.

import { Chart, orDash } from "./charts.js";
import { call } from "./http.js";
import { attr, byId, parts, show, text } from "./dom.js";
import { fleet, took } from "./requests.js";
import { decimal, integer } from "./words.js";

const EVERY_MS = 30_000;
const SOON_MS = 5_000;
const SPANS = { hour: ["1h", "1m", "Last hour"], day: ["24h", "15m", "Last 24 hours"] };

export class Traffic {
  /** `filter()` gives the model and client that are asked for. */
  constructor(filter) {
    this.f = parts(byId("traffic"));
    this.filter = filter;
    this.span = "hour";
    this.readAt = 0;
    this.charts = {
      count: new Chart("Requests"),
      speed: new Chart("Tokens out per second"),
      first: new Chart("First byte"),
      busy: new Chart("GPUs busy"),
    };
    for (const chart of Object.values(this.charts)) this.f.plots.append(chart.f.root);
    for (const name of Object.keys(SPANS)) {
      this.f[name].addEventListener("click", () => this.choose(name));
    }
  }

  choose(span) {
    this.span = span;
    for (const name of Object.keys(SPANS)) attr(this.f[name], "aria-pressed", String(name === span));
    this.read();
  }

  keep(fresh = false) {
    if (performance.now() - this.readAt > (fresh ? SOON_MS : EVERY_MS)) this.read();
  }

  async read() {
    this.readAt = performance.now();
    const [window, step] = SPANS[this.span];
    const { model, client } = this.filter();
    const query = new URLSearchParams({ window, step, ...(model && { model }), ...(client && { client }) });
    try {
      const stats = await call("GET", `api/requests/stats?${query}`);
      if (stats.window_s === { hour: 3600, day: 86400 }[this.span]) this.draw(stats);
    } catch {
      // the stream of events finds out by itself
    }
  }

  draw(stats) {
    const { points: all, total } = stats;
    // The last step is not over: it would look like a fall.
    const points = all.at(-1).requests < (all.at(-2)?.requests ?? 0) ? all.slice(0, -1) : all;
    const times = points.map((point) => point.at);
    const span = SPANS[this.span][2];
    const of = (name) => points.map((point) => point[name]);
    const failed = (count, bad) => (bad ? `${integer(count)}, ${integer(bad)} failed` : integer(count));
    text(this.f.sum, total.requests ? "" : "No requests in this time");
    show(this.f.sum, !total.requests);
    this.charts.count.draw({
      times, span, lines: [of("requests")], bars: of("errors"), sum: failed(total.requests, total.errors),
      say: (at) => failed(points[at].requests, points[at].errors),
      most: (high) => `at most ${integer(high)}`,
    });
    const speeds = points.map((point) => (point.tokens_out ? point.tokens_out / stats.step_s : null));
    this.charts.speed.draw({
      times, span, lines: [speeds], sum: total.tokens_out ? `${integer(total.tokens_out)} tokens` : orDash(null),
      say: (at) => orDash(speeds[at], (speed) => `${decimal(speed)} tokens/s`),
      most: (high) => `at most ${decimal(high)}`,
    });
    const times2 = (point) => `p50 ${took(point.ttft_p50_ms)}, p95 ${took(point.ttft_p95_ms)}`;
    this.charts.first.draw({
      times, span, lines: [of("ttft_p50_ms"), of("ttft_p95_ms")], sum: times2(total),
      say: (at) => times2(points[at]), most: (high) => `at most ${took(high)}`,
    });
    this.busy(stats, times, span);
  }

  busy({ gpu_busy: gpus }, times, span) {
    const ratios = fleet(gpus).slice(0, times.length);
    const read = ratios.filter((ratio) => ratio !== null);
    const percent = (ratio) => `${integer(ratio * 100)} %`;
    const mean = read.length ? read.reduce((a, b) => a + b) / read.length : null;
    this.charts.busy.draw({
      times, span, lines: [ratios], top: 1, sum: orDash(mean, percent),
      say: (at) => orDash(ratios[at], percent), most: () => "top is 100 %",
    });
  }
}
