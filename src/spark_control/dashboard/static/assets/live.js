// The one stream of events of this page: opens it, opens it again, and says how it stands.

import { address, call } from "./http.js";

const WAITS_S = [1, 2, 4, 8, 15];
const HEALTHY_MS = 10_000;
const HIDDEN_MS = 60_000;
const QUIET_MS = 45_000;
const OFFLINE_AFTER = 4;
const TOPICS = ["snapshot", "spark", "hardware", "engine", "swap", "job", "settings", "lock", "parts", "requests"];

export class Live {
  /** `tell(topic, message)` gets each event, `turn(state)` each change of the connection. */
  constructor(tell, turn) {
    this.tell = tell;
    this.turn = turn;
    this.state = "connecting";
    this.running = false;
    this.source = null;
    this.tries = 0;
    addEventListener("offline", () => this.lost(true));
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => this.seen());
    setInterval(() => this.check(), QUIET_MS / 3);
  }

  start() {
    this.running = true;
    this.again();
  }

  stop() {
    this.running = false;
    this.close();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.healthy);
    this.source?.close();
    this.source = null;
  }

  /** Connect now, whatever the wait. */
  again() {
    if (!this.running) return;
    this.close();
    const source = new EventSource(address("api/events"));
    this.source = source;
    for (const topic of TOPICS) {
      source.addEventListener(topic, (event) => this.heard(topic, event));
    }
    source.onerror = () => this.broke(source);
  }

  heard(topic, event) {
    this.last = performance.now();
    if (topic === "snapshot") {
      this.become("live");
      // Only a stream that lasts ends the back-off; one that opens and closes must not.
      this.healthy = setTimeout(() => (this.tries = 0), HEALTHY_MS);
    }
    this.tell(topic, JSON.parse(event.data));
  }

  async broke(source) {
    if (source !== this.source) return;
    const refused = source.readyState === EventSource.CLOSED;
    this.lost(!navigator.onLine);
    // The stream was answered and refused; EventSource does not say why, the session does.
    if (refused && (await signedOut()) && this.running) {
      document.dispatchEvent(new Event("signed-out"));
    }
  }

  lost(offline) {
    if (!this.running) return;
    this.close();
    const wait = WAITS_S[Math.min(this.tries, WAITS_S.length - 1)];
    this.tries += 1;
    this.become(offline || this.tries > OFFLINE_AFTER ? "offline" : "reconnecting");
    this.timer = setTimeout(() => this.again(), wait * 1000 * (0.8 + 0.4 * Math.random()));
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.turn(state);
  }

  /** A page nobody looks at keeps no connection; when it is looked at again it starts anew. */
  seen() {
    clearTimeout(this.hide);
    if (document.hidden) {
      this.hide = setTimeout(() => this.close(), HIDDEN_MS);
    } else if (this.running && !this.source) {
      this.again();
    }
  }

  /** A network that is gone says nothing; ask when the stream has been silent for long. */
  async check() {
    const quiet = performance.now() - (this.last ?? 0) > QUIET_MS;
    if (this.state !== "live" || document.hidden || !this.source || !quiet) return;
    try {
      await fetch(address("healthz"), { cache: "no-store", signal: AbortSignal.timeout(5000) });
      this.last = performance.now();
    } catch {
      this.lost(false);
    }
  }
}

async function signedOut() {
  try {
    const session = await call("GET", "api/session");
    return session.auth === "token" && !session.signed_in;
  } catch {
    return false;
  }
}
