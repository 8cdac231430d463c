// Small charts of a series: lines and bars over time, and the values under the pointer.

import { attr, kind, parts, stamp, text } from "./dom.js";
import { DASH, moment } from "./words.js";

const HIGH = 40;
const known = (value) => value !== null && value !== undefined;

/** One chart. `lines` of a drawing are arrays with null where nothing is known; `bars` likewise. */
export class Chart {
  constructor(title) {
    this.f = parts(stamp("t-plot"));
    this.at = null;
    text(this.f.title, title);
    this.title = title;
    const { svg } = this.f;
    svg.addEventListener("pointermove", (event) => this.point(event));
    svg.addEventListener("pointerleave", () => this.leave());
  }

  /** `times` are of the steps; `sum` says all of it; `say(at)` says one step; `top` is the height. */
  draw({ times, lines, bars = [], sum, say, top, most, span }) {
    Object.assign(this, { times, sum, say });
    const { f } = this;
    const all = [...lines.flat(), ...bars].filter(known);
    const high = top ?? Math.max(1e-9, ...all);
    const y = (value) => (HIGH - 1 - (Math.min(value, high) / high) * (HIGH - 3)).toFixed(1);
    attr(f.svg, "viewBox", `0 0 ${Math.max(1, times.length - 1)} ${HIGH}`);
    attr(f.svg, "aria-label", `${this.title}, ${span}: ${sum}`);
    attr(f.one, "d", path(lines[0] ?? [], y));
    attr(f.area, "d", area(lines[0] ?? [], y));
    attr(f.two, "d", path(lines[1] ?? [], y));
    attr(f.bars, "d", bars.map((value, at) => (value ? `M${at},${HIGH}V${y(value)}` : "")).join("") || "M0,0");
    text(f.most, all.length ? most(high) : "");
    text(f.from, span);
    this.caption();
  }

  caption() {
    const { f, at } = this;
    const there = at !== null && at < (this.times?.length ?? 0);
    text(f.value, there ? this.say(at) : this.sum);
    text(f.when, there ? moment(this.times[at]) : "now");
    kind(f.value, there ? "at" : "");
  }

  point(event) {
    if (!this.times?.length) return;
    const box = this.f.svg.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    this.at = Math.max(0, Math.min(this.times.length - 1, Math.round(part * (this.times.length - 1))));
    this.caption();
  }

  leave() {
    this.at = null;
    if (this.times) this.caption();
  }
}

/** A line with gaps; a value between two gaps is a short stroke, or nobody would see it. */
function path(values, y) {
  const marks = values.map((value, at) => {
    if (!known(value)) return "";
    const [before, after] = [known(values[at - 1]), known(values[at + 1])];
    if (!before && !after) return `M${at - 0.5},${y(value)}L${at + 0.5},${y(value)}`;
    return `${before ? "L" : "M"}${at},${y(value)}`;
  });
  return marks.join("") || "M0,0";
}

function area(values, y) {
  let [made, begun] = ["", null];
  values.forEach((value, at) => {
    if (known(value)) {
      made += begun === null ? `M${at},${HIGH}L${at},${y(value)}` : `L${at},${y(value)}`;
      begun ??= at;
    }
    if (begun !== null && (!known(value) || at === values.length - 1)) {
      made += `L${known(value) ? at : at - 1},${HIGH}Z`;
      begun = null;
    }
  });
  return made || "M0,0";
}

export const orDash = (value, words) => (known(value) ? words(value) : DASH);
