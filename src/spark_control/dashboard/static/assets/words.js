// Numbers, sizes and times in words. What is not known is a dash, never a zero.

export const DASH = "–";
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const known = (value) => typeof value === "number" && Number.isFinite(value);

export const integer = (value) => (known(value) ? whole.format(value) : DASH);
export const decimal = (value) => (known(value) ? tenth.format(value) : DASH);
export const gib = (bytes) => decimal(known(bytes) ? bytes / 2 ** 30 : null);

/** A size on disk, in the decimal units that disks are sold in. */
export function size(bytes) {
  if (!known(bytes)) return DASH;
  const [unit, by] = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]].find(
    ([, least]) => bytes >= least,
  ) ?? ["bytes", 1];
  const number = bytes / by;
  const small = number < 10 && by > 1 && number % 1 >= 0.05;
  return `${small ? tenth.format(number) : whole.format(number)} ${unit}`;
}

/** A duration as on a clock: 8 s, 1:40, 1:02:03. */
export function clock(seconds) {
  if (!known(seconds)) return DASH;
  const all = Math.max(0, Math.round(seconds));
  if (all < 60) return `${all} s`;
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (part) => String(part).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The same for what has ended or will come: short is not nothing. */
export const brief = (seconds) => (known(seconds) && seconds < 1 ? "<1 s" : clock(seconds));

const count = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;

/** A duration for a screen reader. */
export function spoken(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const [minutes, rest] = [Math.floor(all / 60), all % 60];
  if (!minutes) return count(rest, "second");
  return rest ? `${count(minutes, "minute")} ${count(rest, "second")}` : count(minutes, "minute");
}

/** How long ago, roughly. */
export function ago(seconds) {
  if (!known(seconds)) return "";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function uptime(seconds) {
  if (!known(seconds)) return "";
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `Up ${days} d ${hours % 24} h`;
  return hours ? `Up ${hours} h ${minutes % 60} min` : `Up ${minutes} min`;
}

/** When something is, in the time of the reader; on another day with the day. */
export function moment(iso) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const today = at.toDateString() === new Date().toDateString();
  return today ? time : `${at.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" })}, ${time}`;
}

/** The same to the second, or to the millisecond. */
export function precise(iso, fine = false) {
  const at = new Date(iso);
  const digits = fine ? { fractionalSecondDigits: 3 } : {};
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", ...digits });
  const today = at.toDateString() === new Date().toDateString();
  return today && !fine ? time : `${at.toLocaleDateString(undefined, { day: "numeric", month: "short" })}, ${time}`;
}

/** The names of a list as one phrase: a, b and c. */
export const list = (names) =>
  new Intl.ListFormat("en", { type: "conjunction" }).format(names);

export const PLAYED = { "scripted": "Scripted", "llama.cpp": "llama.cpp, tiny model" };
export const played = (how) => (how ? (PLAYED[how] ?? `Simulated, ${how}`) : "");

/** The phases of a switch: their short names, and what happens in them. */
export const PHASES = {
  checking: ["Check", "Checking the Spark"],
  draining: ["Drain", "Letting running requests finish"],
  stopping: ["Stop", "Stopping the model before"],
  launching: ["Launch", "Starting the engine"],
  loading: ["Load", "Loading the model"],
  verifying: ["Verify", "Waiting for the first token"],
};
