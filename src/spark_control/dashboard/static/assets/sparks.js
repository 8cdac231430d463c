// One card for each Spark; it keeps its place and its last reading when the Spark is gone.

import { attr, byId, copies, keyed, kind, parts, prose, show, stamp, text } from "./dom.js";
import { DASH, ago, decimal, gib, integer, list, moment, played, size, uptime } from "./words.js";

const STALE_S = 10;
const LITTLE_DISK = 0.08;

export class Sparks {
  /** `manage(name)` is told which Spark somebody wants to look into; `engines` knows whose runs. */
  constructor(manage, engines) {
    this.engines = engines;
    this.root = byId("sparks");
    this.manage = manage;
    copies(byId("nosparks-copy"), () => byId("nosparks-lines").textContent);
  }

  update(state) {
    const { sparks } = state.status;
    show(byId("nosparks"), !sparks.length);
    show(this.root, sparks.length);
    keyed(this.root, sparks, (spark) => spark.name, (spark) => this.make(spark.name), (row, spark) => {
      draw(row, spark, state.cards.get(spark.name), state);
      this.engines.draw(row, spark.name);
    });
  }

  make(name) {
    const card = stamp("t-spark");
    const named = parts(card);
    const { manage } = named;
    this.engines.wire(named, name);
    attr(manage, "aria-label", `Manage ${name}`);
    manage.addEventListener("click", () => this.manage(name));
    return card;
  }

  fleet(state) {
    const { sparks } = state.status;
    const up = sparks.filter((spark) => reach(spark, state).reachable).length;
    const unknown = sparks.some((spark) => reach(spark, state).reachable === null);
    const place = parts(byId("fleet"));
    const [dot, words] = place.root.children;
    show(place.root, sparks.length);
    kind(dot, `dot ${up === sparks.length ? "ok" : unknown ? "off" : up ? "warn" : "crit"}`);
    text(words, `${up} of ${sparks.length} ${sparks.length === 1 ? "Spark" : "Sparks"} online`);
  }
}

/** Whether a Spark can be reached: the newer of its last reading and the last status. */
export function reach(spark, state) {
  const card = state.cards.get(spark.name)?.card;
  return card && (card.checked_at ?? "") >= (spark.checked_at ?? "") ? card : spark;
}

function draw(row, spark, seen, state) {
  const now = reach(spark, state);
  const word = now.reachable === null ? "Not asked yet" : now.reachable ? "Online" : "Unreachable";
  const bad = now.reachable === false;
  kind(row.dot, `dot ${bad ? "crit" : now.reachable === null ? "off" : now.error ? "warn" : "ok"}`);
  text(row.name, spark.name);
  text(row.word, word);
  kind(row.word, bad ? "pill crit" : "pill");
  text(row.ip, spark.host);
  const read = seen?.card.read_at ? seen.card : null;
  const age = read ? read.age_s + (performance.now() - seen.at) / 1000 : null;
  const stale = age !== null && age > STALE_S;
  text(row.age, stale && !bad ? ago(age) : "");
  kind(row.root, `card host${stale || bad ? " stale" : ""}`);
  trouble(row, now, age);
  show(row.reading, read);
  show(row.unread, !read && !now.error);
  if (read) reading(row, read);
  foot(row, spark, read, bad);
}

function trouble(row, now, age) {
  show(row.trouble, now.error);
  prose(row.error, now.error?.message ?? "");
  prose(row.hint, now.error?.hint ?? "");
  text(row.last, age === null ? "There is no reading of it yet." : `Last reading ${ago(age)}.`);
}

function reading(row, card) {
  memory(row, card);
  const gpus = card.gpus ?? [];
  const highest = (pick) => gpus.map(pick).filter((value) => value !== null).sort((a, b) => b - a)[0] ?? null;
  text(row.gpu, integer(highest((gpu) => gpu.utilisation_percent)));
  text(row.cpu, decimal(card.load?.one ?? null));
  text(row.cores, card.cores ? `of ${card.cores}` : "");
  text(row.temp, integer(highest((gpu) => gpu.temperature_c) ?? card.temperature_c));
  text(row.power, integer(highest((gpu) => gpu.power_w)));
}

/** The memory bar: what the GPU holds, what the rest uses, and the empty track is free. */
function memory(row, card) {
  const total = card.memory?.total_bytes ?? null;
  const used = card.memory?.used_bytes ?? null;
  const unified = card.gpu_unified_memory !== false;
  const gpu = unified ? card.gpu_memory_used_bytes : null;
  text(row.memname, unified ? "Unified memory" : "Memory");
  text(row.memused, gib(used));
  text(row.memtotal, total === null ? "" : `/ ${gib(total)} GiB`);
  const share = (part) => (part === null || !total ? 0 : Math.min(100, (100 * part) / total));
  const held = gpu === null || used === null ? null : Math.min(gpu, used);
  const rest = used === null ? null : used - (held ?? 0);
  row.gpupart.style.width = `${share(held)}%`;
  row.restpart.style.width = `${share(rest)}%`;
  attr(row.membar, "aria-valuenow", used === null ? 0 : Math.round(share(used)));
  const words = used === null ? "not known" : `${gib(used)} of ${gib(total)} GiB in use`;
  attr(row.membar, "aria-valuetext", words);
  text(row.gputext, `GPU ${gib(gpu)}`);
  text(row.resttext, held === null ? `In use ${gib(used)}` : `System ${gib(rest)}`);
}

function foot(row, spark, read, bad) {
  const [dot, words] = bad ? ["off", "Engine not known"] : part(spark) ?? engine(spark.engine);
  kind(row.engdot, `dot ${dot}`);
  text(row.engine, words);
  const disk = read?.disks?.find((one) => one.uses.includes("models")) ?? read?.disks?.[0];
  show(row.diskrow, read);
  const little = disk && disk.free_bytes < LITTLE_DISK * disk.total_bytes;
  text(row.disk, disk ? `${size(disk.free_bytes)} of ${size(disk.total_bytes)} free` : DASH);
  kind(row.disk, little && !bad ? "warnt" : "");
  text(row.up, bad ? "" : uptime(read?.uptime_s));
}

/** What a Spark does for an engine that another one answers for, or nothing. */
function part({ name, part: one }) {
  if (!one || (one.head === name && one.alive !== false)) return null;
  if (one.alive === false) return ["crit", `Its part of ${one.model} has ended`];
  return ["ok", `Part of ${one.model} on ${one.head}`];
}

/** What the engine of a Spark does: a dot and words. */
function engine(one) {
  const since = one?.trouble_since ? ` since ${moment(one.trouble_since)}` : "";
  const how = one?.played ? `, ${played(one.played).toLowerCase()}` : "";
  switch (one?.state) {
    case "serving":
      if (since) return ["warn", `${list(one.served.slice(0, 1))}, not answering${since}, still asked`];
      return ["ok", `${one.served.length ? list(one.served.slice(0, 1)) : "Serving"}${how}`];
    case "loading":
      return ["warn", `Engine is loading${how}`];
    case "silent":
      return ["crit", since ? `Engine not answering${since}, not asked` : "Engine does not answer"];
    case "wedged":
      return ["crit", `Engine makes no tokens${since}, not asked`];
    case "absent":
      return ["off", "No engine"];
    default:
      return since ? ["crit", `Engine not reachable${since}, not asked`] : ["off", "Engine not known"];
  }
}
