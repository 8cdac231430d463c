// The menu: what can be switched to, what could be downloaded, what was wrong.

import { attr, byId, isOff, keyed, kind, off, parts, prose, show, stamp, text } from "./dom.js";
import { fitBadge } from "./fit.js";
import { heldBy, lockWords } from "./lock.js";
import { reach } from "./sparks.js";
import { list, size } from "./words.js";

const CHAT = ["chat", "unknown"];

export class Models {
  /** `ask(key)` opens the dialog before a switch. */
  constructor(ask) {
    this.f = parts(byId("models"));
    this.ask = ask;
  }

  update(state) {
    const { f } = this;
    const { menu } = state;
    show(f.root, menu && state.status.sparks.length);
    if (!menu) return;
    const total = menu.models.reduce((sum, model) => sum + model.size_bytes, 0);
    text(f.count, menu.models.length ? `${menu.models.length} on disk, ${size(total)}` : "");
    text(f.why, paused(state));
    show(f.table, menu.models.length);
    show(f.none, !menu.models.length);
    text(f.none, nothing(menu));
    keyed(f.rows, menu.models, (model) => model.key, () => this.row(), (row, model) => draw(row, model, state));
    this.recipes(menu.recipes);
    this.problems(menu.problems);
  }

  row() {
    const node = stamp("t-model");
    const button = node.querySelector("button");
    button.addEventListener("click", () => isOff(button) || this.ask(button.dataset.key));
    return node;
  }

  recipes(recipes) {
    const { f } = this;
    show(f.recipes, recipes.length);
    text(f.recipesum, `${recipes.length} ${recipes.length === 1 ? "recipe" : "recipes"} not on disk`);
    keyed(f.recipelist, recipes, (recipe) => recipe.key, () => stamp("t-recipe"), (row, recipe) => {
      title(row, recipe, recipeBadges(recipe));
      prose(row.notes, recipe.notes);
    });
  }

  problems(problems) {
    const { f } = this;
    show(f.problems, problems.length);
    text(f.problemsum, `${problems.length} ${problems.length === 1 ? "problem" : "problems"} with recipes or disks`);
    const keyOf = (one) => `${one.source} ${one.entry} ${one.reason}`;
    keyed(f.problemlist, problems, keyOf, () => stamp("t-problem"), (row, one) => {
      text(row.where, [one.source, one.entry].filter(Boolean).join(", "));
      prose(row.reason, one.reason);
    });
  }
}

/** Why the menu is empty. */
function nothing(menu) {
  if (menu.read_at) return "No model is on the disk of a Spark yet.";
  return menu.problems.length ? "No disk could be read yet. The reasons are below." : "Looking at the disks of the Sparks.";
}

/** Why no switch can be started at all just now, or nothing. */
function paused(state) {
  if (state.live !== "live") return "Not connected, so nothing can be switched.";
  if (state.busy) return `Switching to ${state.nameOf(state.swap.model)}. One switch at a time.`;
  const lock = heldBy(state);
  return lock ? lockWords(lock) : "";
}

/** The Sparks that serve `model` now. */
export function servedOn(model, state) {
  const keys = new Set(state.menu?.models.map((one) => one.key));
  const serves = (one) => {
    if (one.model === model.key) return true;
    // Two models may share a repo; then only the key tells them apart.
    return !keys.has(one.model) && (one.names ?? [one.model]).includes(model.repo ?? model.local_path);
  };
  return state.status.loaded.filter(serves).flatMap((one) => one.sparks ?? [one.spark]);
}

/** The Sparks that a switch to `model` can use, in the order of the fleet. */
export function candidates(model, state) {
  return state.status.sparks.filter((spark) => model.complete_on.includes(spark.name));
}

/** Why `model` cannot be switched to, or nothing. */
export function obstacle(model, state) {
  if (!CHAT.includes(model.kind)) return `Not a chat model (${model.kind})`;
  if (model.needs_setup) return "Nobody has said yet how it is launched";
  if (model.mode === "cluster") return together(model, state);
  if (!model.complete_on.length) return model.problems[0] ?? "The download is not complete";
  const up = candidates(model, state).filter((spark) => reach(spark, state).reachable !== false);
  return up.length ? "" : `${list(model.complete_on)} cannot be reached`;
}

/** Why a model for several Sparks cannot be switched to, or nothing. */
function together(model, state) {
  if (state.status.sparks.length < 2) return "Needs two Sparks, and there is one";
  const whole = candidates(model, state);
  if (whole.length < 2) return model.problems.at(-1) ?? "Needs a whole copy on two Sparks";
  const gone = whole.filter((spark) => reach(spark, state).reachable === false);
  return whole.length - gone.length < 2 ? `${list(gone.map((one) => one.name))} cannot be reached` : "";
}

/** The Sparks that a switch to `model` works on when `host` answers: its own, and those it frees. */
export function involved(model, host, state) {
  const others = candidates(model, state).map((spark) => spark.name).filter((name) => name !== host);
  const ranks = model.mode === "cluster" ? [host, ...others] : [host];
  const ends = state.status.loaded.filter((one) => (one.sparks ?? []).some((name) => ranks.includes(name)));
  const beside = ends.flatMap((one) => one.sparks).filter((name) => !ranks.includes(name));
  return { ranks, beside: [...new Set(beside)] };
}

/** Tell whether launch settings are all that `model` lacks. */
export function canSetUp(model) {
  return model.needs_setup && CHAT.includes(model.kind) && model.complete_on.length > 0;
}

function draw(row, model, state) {
  title(row, model, badges(model, state));
  text(row.size, size(model.size_bytes));
  text(row.on, model.hosts.join(", "));
  const on = servedOn(model, state);
  const why = obstacle(model, state);
  attr(row.root, "class", on.length ? "sel" : null);
  text(row.state, on.length ? `Loaded on ${list(on)}` : why);
  kind(row.state, on.length ? "good" : "");
  attr(row.state, "id", `why-${model.key}`);
  row.go.dataset.key = model.key;
  if (canSetUp(model)) {
    text(row.go, "Set up");
    attr(row.go, "aria-label", `Set up ${model.name}`);
    off(row.go, state.live !== "live", "models-why");
    return;
  }
  const word = on.length ? "Restart" : "Switch";
  text(row.go, word);
  attr(row.go, "aria-label", on.length ? `Restart ${model.name}` : `Switch to ${model.name}`);
  off(row.go, why || paused(state), why ? `why-${model.key}` : "models-why");
}

function title(row, model, marks) {
  text(row.name, model.name);
  text(row.key, model.key);
  show(row.key, model.key !== model.name);
  text(row.repo, model.repo ?? model.local_path ?? "");
  attr(row.repo, "href", page(model.url));
  keyed(row.badges, marks, ([word]) => word, () => stamp("t-badge"), (badge, [word, tone]) => {
    text(badge.root, word);
    kind(badge.root, `pill ${tone}`.trim());
  });
}

/** The address of a model's page; nothing else is made a link. */
const page = (url) => (url?.startsWith("https://") ? url : null);

function recipeBadges(recipe) {
  const marks = [[recipe.mode === "cluster" ? "Cluster" : "Solo", ""]];
  if (recipe.local_path) marks.push(["Local", ""]);
  if (recipe.origin === "custom") marks.push(["Custom", ""]);
  return marks;
}

function badges(model, state) {
  const marks = recipeBadges(model);
  if (model.needs_setup) marks.push(["Needs setup", "warn"]);
  const fit = fitBadge(model);
  if (fit && model.complete_on.length && !servedOn(model, state).length) marks.push(fit);
  if (!model.complete_on.length) marks.push(["Incomplete", "warn"]);
  if (state.busy && state.swap.model === model.key) marks.push(["Loading", "acc"]);
  return marks;
}
