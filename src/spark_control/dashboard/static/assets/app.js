// Starts the page: one state, fed by one stream, drawn in place.

import { address, call } from "./http.js";
import { CancelDialog, SwitchDialog } from "./dialogs.js";
import { byId, keyed, kind, prose, say, show, stamp, text } from "./dom.js";
import { Engines } from "./engines.js";
import { GatewayPage } from "./gateway.js";
import { AddDialog, SparkDialog } from "./hosts.js";
import { ImportDialog } from "./imports.js";
import { Live } from "./live.js";
import { LockBanner } from "./lockbanner.js";
import { Models, canSetUp } from "./models.js";
import { RequestsPage } from "./reqlist.js";
import { Requests } from "./requests.js";
import { Serving } from "./serving.js";
import { SetupDialog } from "./setup.js";
import { SignIn } from "./signin.js";
import { Sparks } from "./sparks.js";
import { SwapCard } from "./swap.js";
import { Views } from "./views.js";

const STATUS_MS = 250;
const MENU_MS = 60_000;
const UNREAD_MS = 10_000;
const WORDS = {
  connecting: ["off", "Connecting"],
  live: ["ok", "Live"],
  reconnecting: ["warn", "Reconnecting"],
  offline: ["crit", "Offline"],
};
const DEMO =
  "The Sparks, their hardware and the files on their disks are simulated. A model marked Scripted answers with made-up text; one marked llama.cpp is really run, on this machine.";

const state = {
  session: { auth: "off", signed_in: true },
  status: null,
  cards: new Map(),
  menu: null,
  swap: null,
  swapAt: 0,
  live: "connecting",
  get busy() {
    return Boolean(this.swap) && !this.swap.ended_at;
  },
  nameOf: (key) => state.menu?.models.find((model) => model.key === key)?.name ?? key,
};

const switching = new SwitchDialog((swap) => {
  takeSwap(swap);
  queueMicrotask(() => swapCard.reveal());
});
const cancelling = new CancelDialog((swap) => takeSwap(swap));
const settingUp = new SetupDialog((recipe) => {
  say(`${recipe.name} is set up`);
  readMenu();
});
const ask = (key) => {
  const model = state.menu?.models.find((one) => one.key === key);
  if (model && canSetUp(model)) settingUp.open(key, state);
  else switching.open(key, state);
};
const swapCard = new SwapCard({ cancel: (swap) => cancelling.open(swap, state), again: ask });
const serving = new Serving();
const adding = new AddDialog((host) => {
  say(`${host.name} was added`);
  readStatus();
  readCards();
});
const managing = new SparkDialog(() => readStatus());
const engines = new Engines(() => redraw(), say);
const importing = new ImportDialog(() => readMenu());
const sparks = new Sparks((name) => managing.open(name), engines);
const models = new Models(ask);
const requests = new Requests(() => redraw());
const allRequests = new RequestsPage();
const gateway = new GatewayPage((names) => allRequests.names(names));
const pages = { requests: allRequests, gateway };
const views = new Views((name) => turn(name));
const door = new SignIn(() => enter());
const lockBanner = new LockBanner(takeLock);
const live = new Live(take, (now) => {
  state.live = now;
  say(WORDS[now][1]);
  redraw();
});

const TAKE = {
  snapshot(all) {
    renewed(all.status.version);
    state.status = all.status;
    engines.look(state);
    for (const card of all.hardware?.sparks ?? []) takeCard(card);
    state.menu = all.models ?? state.menu;
    requests.read();
    pages[views.name]?.open(); // what it showed may be old
    readMenu(); // the snapshot waits for no disk, so its menu may be an old one or none yet
    takeSwap(all.status.swap, true);
  },
  hardware: ({ data }) => takeCard(data),
  swap: ({ data }) => takeSwap(data),
  engine: () => readStatus(),
  spark: () => readStatus(),
  parts: () => readStatus(),
  settings: () => [readStatus(), readMenu()],
  lock: ({ data }) => takeLock(data),
  job: () => undefined,
  requests: ({ data }) => [requests.take(data), allRequests.take(data)],
};

function take(topic, message) {
  TAKE[topic](message);
  redraw();
}

/** Show a page; only the one that is shown reads anything. */
function turn(name) {
  for (const [key, page] of Object.entries(pages)) {
    if (key !== name) page.close();
    else if (state.status) page.open(); // else once the stream has begun
  }
  redraw();
}

function takeLock(lock) {
  if (state.status) state.status.lock = lock;
  redraw();
}

function takeCard(card) {
  state.cards.set(card.name, { card, at: performance.now() });
}

/** Take what is told of a switch, unless something newer is known; a snapshot is always taken. */
function takeSwap(swap, always = false) {
  const before = state.swap;
  if (!always && swap && before && swap.id === before.id && swap.at < before.at) return;
  state.swap = swap;
  state.swapAt = performance.now();
  if (swap?.ended_at && before?.id === swap.id && !before.ended_at) {
    readStatus();
    readMenu();
  }
  redraw();
}

let asked = 0;
function readStatus() {
  clearTimeout(asked);
  asked = setTimeout(async () => {
    const status = await read("api/status");
    if (!status) return;
    state.status = status;
    engines.look(state);
    if (status.swap) takeSwap(status.swap);
    redraw();
  }, STATUS_MS);
}

/** Have the Sparks asked that nobody asked yet. */
async function readCards() {
  const answer = await read("api/hardware");
  for (const card of answer?.sparks ?? []) takeCard(card);
  redraw();
}

let menuAsked = 0;
async function readMenu() {
  menuAsked = performance.now();
  state.menu = (await read("api/models")) ?? state.menu;
  redraw();
}

/** Models come and go on the disks without a word; look now and then. */
function keepMenu() {
  const every = state.menu?.read_at ? MENU_MS : UNREAD_MS;
  if (state.live === "live" && performance.now() - menuAsked > every) readMenu();
}

/** Read something; a failure is nothing here, the stream finds out by itself. */
async function read(path) {
  try {
    return await call("GET", path);
  } catch {
    return null;
  }
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  const [tone, word] = WORDS[state.live];
  const [dot, words] = byId("live").children;
  kind(dot, `dot ${tone}`);
  text(words, word);
  if (!state.status) return;
  show(byId("waiting"), false);
  show(byId("signout"), state.session.auth === "token");
  const some = state.status.sparks.length > 0;
  show(byId("lead"), some);
  show(byId("addspark"), some);
  const shown = swapCard.update(state);
  byId("lead").classList.toggle("two", shown);
  byId("page").classList.toggle("cut", state.live !== "live");
  serving.update(state);
  sparks.update(state);
  sparks.fleet(state);
  models.update(state);
  requests.update();
  lockBanner.update(state);
  notices();
  const title = state.busy ? `Switching to ${state.nameOf(state.swap.model)}` : "";
  const page = { requests: "Requests", gateway: "Gateway" }[views.name];
  document.title = [title, page, "Spark Control"].filter(Boolean).join(", ");
}

function notices() {
  const { demo, notices: told } = state.status;
  const played = told.filter((one) => one.code === "demo").map((one) => one.message);
  const all = told.filter((one) => one.code !== "demo");
  if (demo) all.unshift({ code: "demo", message: "This is a demo.", hint: [DEMO, ...played].join(" ") });
  if (state.newer) all.unshift(state.newer);
  keyed(byId("notices"), all, ({ code, message }) => `${code} ${message}`, () => stamp("t-notice"), (row, notice) => {
    prose(row.message, notice.message);
    prose(row.hint, notice.hint ?? "");
  });
}

/** A page that outlives an upgrade of the server says so. */
function renewed(version) {
  state.version ??= version;
  if (version === state.version) return;
  const message = "Spark Control was updated.";
  state.newer = { code: "newer", message, hint: "Reload this page to use the new version." };
}

function tick() {
  if (document.hidden || !state.status) return;
  swapCard.tick();
  sparks.update(state);
  keepMenu();
  if (state.live !== "live") return;
  requests.keep();
  allRequests.tick();
  gateway.tick();
}

async function enter() {
  state.session = (await read("api/session")) ?? state.session;
  const { auth, signed_in: signedIn } = state.session;
  if (auth === "token" && !signedIn) door.open();
  else live.start();
}

document.addEventListener("redraw", redraw);
document.addEventListener("signed-out", () => {
  live.stop();
  door.open("The session has ended. Sign in again to go on.");
});
byId("theme").addEventListener("click", () => {
  document.documentElement.dispatchEvent(new Event("toggle-theme"));
});
for (const id of ["addspark", "nosparks-add"]) {
  byId(id).addEventListener("click", () => adding.open());
}
byId("signout").addEventListener("click", async () => {
  live.stop();
  try {
    await call("DELETE", "api/session");
  } finally {
    location.replace(address("."));
  }
});
byId("import-recipes").addEventListener("click", () => importing.open());
views.turn();
setInterval(tick, 1000);
enter();
