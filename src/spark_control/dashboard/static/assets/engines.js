// Engines that Spark Control did not start: says so on the card, takes them over, stops them.

import { Question } from "./dialogs.js";
import { off, show, text } from "./dom.js";
import { call } from "./http.js";
import { moment } from "./words.js";

const SOON_MS = 300;
const ANSWERS = ["serving", "loading", "silent", "wedged"];
const WHOSE = { no: "Not ours", adopted: "Taken over" };

export class Engines {
  /** `changed()` is told when more is known, `told(words)` of what was done. */
  constructor(changed, told) {
    this.rows = new Map();
    this.changed = changed;
    const done = (words) => (row) => {
      told(words(row));
      this.take([row]);
    };
    this.taking = new TakeOverDialog(done((row) => `Switches may replace the engine on ${row.spark} now`));
    this.stopping = new StopDialog(done((row) => `The engine on ${row.spark} was stopped`));
  }

  /** Ask whose engines run, where any does; soon, since news of them come in flocks. */
  look(state) {
    const some = state.status?.sparks.some(({ engine }) => ANSWERS.includes(engine?.state));
    clearTimeout(this.asked);
    if (!some) this.take([], true);
    else this.asked = setTimeout(() => this.read(), SOON_MS);
  }

  async read() {
    try {
      this.take((await call("GET", "api/engines")).engines, true);
    } catch {
      // The stream finds out by itself that nothing answers.
    }
  }

  take(rows, all = false) {
    if (all) this.rows.clear();
    for (const row of rows) this.rows.set(row.spark, row);
    this.changed();
  }

  /** Make the buttons of a card work. */
  wire({ takeover, stopengine }, name) {
    takeover.addEventListener("click", () => this.taking.open(this.rows.get(name)));
    stopengine.addEventListener("click", () => this.stopping.open(this.rows.get(name)));
  }

  draw(row, name) {
    const one = this.rows.get(name);
    const foreign = Boolean(one && WHOSE[one.ours]);
    show(row.foreign, foreign);
    if (!foreign) return;
    text(row.ours, WHOSE[one.ours]);
    text(row.whose, [`${sentence(what(one))}${since(one)}`, ...one.problems].join("; "));
    show(row.takeover, one.can_take_over);
    show(row.stopengine, one.can_stop);
  }
}

function what({ kind, name, pid }) {
  if (kind === "container") return `container ${name}`;
  return kind === "process" ? `process ${pid} (${name})` : "what it is cannot be told";
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1);
const since = (one) => (one.since ? `, since ${moment(one.since)}` : "");

class TakeOverDialog extends Question {
  constructor(done) {
    super("takeover-dialog", "Taking over");
    this.done = done;
  }

  open(row) {
    if (!row) return;
    this.row = row;
    text(this.f.text, `Somebody else started the ${what(row)} on ${row.spark}. It keeps running until the next switch there, which then stops it like an engine of ours.`);
    text(this.f.command, row.command.join(" "));
    this.ask();
  }

  act() {
    return call("POST", `api/engines/${encodeURIComponent(this.row.spark)}/take-over`, {});
  }
}

class StopDialog extends Question {
  constructor(done) {
    super("stopengine-dialog", "Stopping");
    this.done = done;
    this.f.confirm.addEventListener("input", () => this.ready());
    this.f.confirm.addEventListener("keydown", (event) => event.key === "Enter" && this.f.go.click());
  }

  open(row) {
    if (!row) return;
    this.row = row;
    const goes = row.kind === "container" ? " The container is removed; its image and mounted folders stay." : "";
    const again = row.restarts || row.unit ? " Something on the Spark may start it again." : "";
    text(this.f.text, `Requests that run on it are cut off. Somebody else started the ${what(row)} on ${row.spark}.${goes}${again}`);
    text(this.f.command, row.command.join(" "));
    text(this.f.word, row.confirm);
    this.f.confirm.value = "";
    this.ready();
    this.ask();
  }

  ready() {
    off(this.f.go, this.f.confirm.value.trim() !== this.row?.confirm);
  }

  act() {
    const path = `api/engines/${encodeURIComponent(this.row.spark)}/stop`;
    return call("POST", path, { confirm: this.f.confirm.value.trim() });
  }
}
