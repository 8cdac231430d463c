// What is asked before a switch starts, and before one is cancelled.

import { call, sentence } from "./http.js";
import { byId, isOff, keyed, off, parts, prose, show, text } from "./dom.js";
import { showFit } from "./fit.js";
import { candidates, involved, servedOn } from "./models.js";
import { Preflight } from "./preflight.js";
import { reach } from "./sparks.js";
import { list, size } from "./words.js";

export class Question {
  constructor(id, busyWords) {
    this.dialog = byId(id);
    this.f = parts(this.dialog);
    this.busyWords = busyWords;
    this.f.keep.addEventListener("click", () => this.dialog.close());
    this.f.go.addEventListener("click", () => isOff(this.f.go) || this.go());
    // A press beside the dialog is a "no".
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
  }

  ask() {
    show(this.f.err, false);
    if (!this.dialog.open) this.dialog.showModal();
    this.f.keep.focus();
  }

  /** Do it; while it takes time the button says so, and what goes wrong is said here. */
  async go() {
    const { f } = this;
    const before = f.go.textContent;
    f.go.style.minWidth = `${f.go.offsetWidth}px`;
    text(f.go, this.busyWords);
    off(f.go, true);
    show(f.err, false);
    try {
      const answer = await this.act();
      this.dialog.close();
      this.done(answer);
    } catch (error) {
      prose(f.err, error.status === undefined ? "That did not work." : sentence(error));
      show(f.err, true);
    } finally {
      text(f.go, before);
      off(f.go, false);
    }
  }
}

export class SwitchDialog extends Question {
  /** `started(swap)` is told of the switch that begins. */
  constructor(started) {
    super("switch-dialog", "Starting");
    this.done = started;
    this.preflight = new Preflight(this.f);
    this.f.host.addEventListener("change", () => this.draw());
  }

  open(key, state) {
    const model = state.menu?.models.find((one) => one.key === key);
    if (!model) return;
    [this.model, this.state] = [model, state];
    const sparks = candidates(model, state);
    keyed(this.f.host, sparks, (spark) => spark.name, option, ({ root }, spark) => {
      const gone = reach(spark, state).reachable === false;
      root.disabled = gone;
      text(root, gone ? `${spark.name}, unreachable` : spark.name);
    });
    const usable = sparks.filter((spark) => reach(spark, state).reachable !== false);
    const now = servedOn(model, state).find((name) => usable.some((spark) => spark.name === name));
    this.f.host.value = now ?? usable[0]?.name ?? "";
    show(this.f.hostrow, sparks.length > 1);
    this.draw();
    this.ask();
  }

  draw() {
    const { f, model, state } = this;
    const host = f.host.value;
    const { ranks, beside } = involved(model, host, state);
    const all = [...ranks, ...beside];
    const leaving = state.status.loaded.filter((one) => all.includes(one.spark));
    const again = leaving.some((one) => one.model === model.key);
    text(f.title, again ? `Restart ${model.name}?` : `Switch to ${model.name}?`);
    text(f.text, leaving.length
      ? `Running requests are given a short time to finish. Then ${list(ranks)} ${ranks.length > 1 ? "answer" : "answers"} nothing until the new engine is ready.${freed(beside)}`
      : `${list(ranks)} ${ranks.length > 1 ? "run" : "runs"} no model now, so nothing is interrupted.`);
    text(f.stops, leaving.length ? leaving.map((one) => `${state.nameOf(one.model)} on ${list(one.sparks ?? [one.spark])}`).join(", ") : "Nothing");
    text(f.starts, host ? `${model.name} on ${list(ranks)}${ranks.length > 1 ? " together" : ""}` : model.name);
    text(f.size, size(model.size_by_host[host] ?? model.size_bytes));
    showFit(f, model, host);
    this.preflight.look(model.key, host);
    text(f.keep, leaving.length ? "Keep current model" : "Not now");
    text(f.go, again ? "Restart model" : "Switch model");
  }

  act() {
    return call("POST", "api/swap", { model: this.model.key, host: this.f.host.value });
  }
}

/** What becomes of Sparks that only lose their part of a model over several. */
const freed = (sparks) => (sparks.length ? ` ${list(sparks)} ${sparks.length > 1 ? "are" : "is"} left without a model, as a part of the one that stops.` : "");

function option(spark) {
  const one = document.createElement("option");
  one.value = spark.name;
  return one;
}

export class CancelDialog extends Question {
  constructor(ended) {
    super("cancel-dialog", "Cancelling");
    this.done = ended;
  }

  open(swap, state) {
    const early = !swap.phase || swap.phase === "checking" || swap.phase === "draining";
    this.swap = swap;
    text(this.f.title, `Cancel the switch to ${state.nameOf(swap.model)}?`);
    text(this.f.text, early
      ? "Nothing has been stopped yet; the model that runs keeps running."
      : `The engine that is starting is stopped. After that ${swap.spark ?? "the Spark"} runs no model.`);
    this.ask();
  }

  act() {
    return call("DELETE", `api/swap/${encodeURIComponent(this.swap.id)}`);
  }
}
