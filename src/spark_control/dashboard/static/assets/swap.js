// The card of a switch: while it runs, and how it ended.

import { address, call } from "./http.js";
import { attr, byId, isOff, keyed, kind, off, parts, prose, say, show, stamp, text } from "./dom.js";
import { heldBy } from "./lock.js";
import { Log } from "./log.js";
import { PHASES, brief, clock, integer, list, spoken } from "./words.js";

const ORDER = Object.keys(PHASES);
const TITLES = {
  queued: "Switching model",
  running: "Switching model",
  ready: "Switch finished",
  failed: "Switch failed",
  cancelled: "Switch cancelled",
};
const MOST_OF_A_PHASE = 0.97;
const SOON_S = 0.5;

export class SwapCard {
  /** `ask.cancel(swap)` and `ask.again(key)` open the dialogs. */
  constructor(ask) {
    this.f = parts(byId("swap"));
    this.log = new Log(this.f);
    this.watched = new Set();
    this.filled = {};
    this.f.cancel.addEventListener("click", () => ask.cancel(this.swap));
    this.f.again.addEventListener("click", () => isOff(this.f.again) || ask.again(this.swap.model));
    this.f.dismiss.addEventListener("click", () => this.dismiss());
    for (const name of ORDER) {
      const segment = document.createElement("i");
      segment.append(document.createElement("b"));
      segment.dataset.phase = name;
      this.f.bar.append(segment);
    }
    document.addEventListener("visibilitychange", () => this.swap && this.follow());
  }

  /** Show the switch of `state`; returns whether there is one to show. */
  update(state) {
    const { swap } = state;
    if (swap && swap.id !== this.swap?.id) this.filled = {};
    this.announce(swap, state.nameOf);
    [this.swap, this.state] = [swap, state];
    const visible = Boolean(swap) && this.wanted(swap);
    show(this.f.root, visible);
    if (visible) this.draw();
    else this.log.close();
    return visible;
  }

  wanted(swap) {
    if (!swap.ended_at) this.watched.add(swap.id);
    if (!swap.ended_at) return true;
    if (dismissed() === swap.id) return false;
    return swap.state === "failed" || this.watched.has(swap.id);
  }

  draw() {
    const { f, swap, state } = this;
    const ended = Boolean(swap.ended_at);
    text(f.title, TITLES[swap.state] ?? swap.state);
    text(f.spark, list(swap.sparks?.length ? swap.sparks : [swap.spark ?? ""]));
    show(f.spark, swap.spark);
    show(f.cancel, !ended);
    const from = swap.replaces.filter((name) => name !== swap.model).map(state.nameOf);
    text(f.from, from.length ? list(from) : "");
    show(f.from, from.length);
    show(f.arrow, from.length);
    text(f.to, state.nameOf(swap.model));
    keyed(f.phases, swap.phases, (phase) => phase.phase, () => stamp("t-phase"), drawPhase);
    this.outcome(ended);
    text(f.logname, swap.spark ? `Engine on ${swap.spark}` : "Engine");
    attr(f.full, "href", address(`api/jobs/${encodeURIComponent(swap.id)}/log?tail=10000`));
    this.follow();
    this.tick();
  }

  outcome(ended) {
    const { f, swap, state } = this;
    show(f.outcome, ended);
    show(f.acts, ended);
    show(f.activity, !ended);
    show(f.again, ended && swap.state !== "ready");
    off(f.again, heldBy(state), "models-why");
    if (!ended) return;
    const on = swap.sparks?.length ? swap.sparks : [swap.spark].filter(Boolean);
    const where = on.length ? ` on ${list(on)}` : "";
    const good = `${state.nameOf(swap.model)} answers${where}. It took ${clock(swap.elapsed_s)}.`;
    kind(f.outcome, swap.state === "failed" ? "outcome bad" : "outcome");
    prose(f.cause, swap.state === "ready" ? good : failure(swap.error));
    prose(f.hint, swap.error?.hint ?? "");
    show(f.hint, swap.error?.hint);
  }

  /** What changes with every second. */
  tick() {
    const { f, swap, state } = this;
    if (!swap || f.root.hidden) return;
    const passed = swap.ended_at ? 0 : (performance.now() - state.swapAt) / 1000;
    const elapsed = swap.elapsed_s === null ? null : swap.elapsed_s + passed;
    const left = swap.eta_s === null ? null : swap.eta_s - passed;
    this.eta(left, elapsed);
    this.bar(passed, left, elapsed);
    const current = swap.phases.find((phase) => phase.state === "current");
    const times = f.phases.querySelector('[aria-current="step"] .pd');
    if (current && times) text(times, clock((current.seconds ?? 0) + passed));
    text(f.activity, activity(swap));
  }

  eta(left, elapsed) {
    const { f, swap } = this;
    const gone = elapsed === null ? "" : `${clock(elapsed)} elapsed`;
    const ended = Boolean(swap.ended_at);
    const some = !ended && left !== null && left > SOON_S;
    show(f.left, some);
    text(f.left, some ? clock(left) : "");
    const words = left === null ? "No estimate yet" : "Taking longer than usual";
    const parts = ended ? [gone] : [some ? "left" : words, gone];
    text(f.elapsed, parts.filter(Boolean).join(", "));
  }

  bar(passed, left, elapsed) {
    const { f, swap } = this;
    const known = swap.phases.some((phase) => phase.usual_s !== null);
    for (const [at, phase] of swap.phases.entries()) {
      const segment = f.bar.children[at];
      const share = this.share(phase, passed);
      kind(segment, share === null ? "busy" : phase.state);
      segment.style.flexGrow = String(known ? Math.max(phase.usual_s ?? 0, 0.001) : 1);
      segment.firstChild.style.width = `${(share ?? 1) * 100}%`;
    }
    const total = left === null ? null : (100 * elapsed) / (elapsed + Math.max(0, left));
    attr(f.bar, "aria-valuenow", total === null || !total ? null : Math.round(total));
    attr(f.bar, "aria-valuetext", swap.ended_at ? TITLES[swap.state] : described(swap, left));
  }

  /** How much of a phase is done; null when nobody knows. It never goes back. */
  share(phase, passed) {
    if (phase.state === "done" || phase.state === "stopped") return 1;
    if (phase.state === "coming") return 0;
    const engine = phase.phase === "loading" ? this.swap.progress : null;
    const usual = phase.usual_s ? ((phase.seconds ?? 0) + passed) / phase.usual_s : null;
    const share = engine === null ? usual : engine / 100;
    const most = Math.max(Math.min(share ?? 0, MOST_OF_A_PHASE), this.filled[phase.phase] ?? 0);
    if (share === null && !most) return null;
    this.filled[phase.phase] = most;
    return most;
  }

  /** Keep the log open while the card is seen and the switch runs; later show what is kept. */
  async follow() {
    const { swap } = this;
    if (document.hidden || this.f.root.hidden) return this.log.close();
    if (!swap.ended_at) return this.log.open(swap.id);
    if (this.log.id === swap.id) return undefined;
    this.log.fill(swap.id, swap.log_tail);
    if (swap.log_tail.length) return undefined;
    try {
      const kept = await call("GET", `api/swap/${encodeURIComponent(swap.id)}`);
      if (this.log.id === swap.id) this.log.fill(swap.id, kept.log_tail);
    } catch {
      // The cause is on the card; the log is only what led to it.
    }
    return undefined;
  }

  /** Say what changed in kind; the numbers that run are not worth an interruption. */
  announce(swap, nameOf) {
    const before = this.swap;
    if (!swap) return;
    if (swap.id !== before?.id) {
      if (!swap.ended_at) say(`Switching to ${nameOf(swap.model)}`);
    } else if (swap.ended_at) {
      if (!before.ended_at) say(TITLES[swap.state] ?? swap.state);
    } else if (swap.phase !== before.phase) {
      say(step(swap));
    }
  }

  /** Bring the card before the eyes of who started the switch, from however far down. */
  reveal() {
    this.f.root.focus({ preventScroll: true });
    this.f.root.scrollIntoView({ block: "start" });
  }

  dismiss() {
    dismissed(this.swap.id);
    show(this.f.root, false);
    document.dispatchEvent(new Event("redraw"));
    byId("main").focus({ preventScroll: true });
  }
}

function drawPhase(row, phase) {
  kind(row.root, { current: "cur", stopped: "bad" }[phase.state] ?? phase.state);
  attr(row.root, "aria-current", phase.state === "current" ? "step" : null);
  text(row.name, PHASES[phase.phase]?.[0] ?? phase.phase);
  if (phase.state === "current") return; // its time runs, see tick
  const usual = phase.usual_s === null ? "" : `~${brief(phase.usual_s)}`;
  text(row.time, phase.state === "coming" ? usual : brief(phase.seconds));
}

/** Why it failed: the cause where the log told one, then what happened. */
function failure(error) {
  const title = error?.detail?.cause?.title;
  return [title && `${title}.`, error?.message ?? "No reason was given."].filter(Boolean).join(" ");
}

function activity(swap) {
  if (swap.phase === null) return "Waiting to start";
  const engine = swap.phase === "loading" || swap.phase === "launching" ? swap.activity : null;
  const percent = swap.phase === "loading" ? swap.progress : null;
  const words = engine ?? PHASES[swap.phase]?.[1] ?? swap.phase;
  return percent === null ? words : `${words}, ${integer(percent)} %`;
}

function step(swap) {
  const words = PHASES[swap.phase]?.[1] ?? "Waiting to start";
  const number = ORDER.indexOf(swap.phase) + 1;
  return number ? `${words}, step ${number} of ${ORDER.length}` : words;
}

function described(swap, left) {
  if (left === null) return `${step(swap)}, no estimate yet`;
  const time = left > SOON_S ? `about ${spoken(left)} left` : "taking longer than usual";
  return `${step(swap)}, ${time}`;
}

/** The switch whose end was read and put away; kept over reloads. */
function dismissed(id) {
  try {
    if (id) localStorage.setItem("dismissed", id);
    return localStorage.getItem("dismissed");
  } catch {
    return id ?? null;
  }
}
