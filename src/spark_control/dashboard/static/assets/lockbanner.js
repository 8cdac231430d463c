// The swap lock: a banner while somebody holds it, and the question before it is broken.

import { Question } from "./dialogs.js";
import { call } from "./http.js";
import { byId, off, parts, show, text } from "./dom.js";
import { heldBy, lockWords } from "./lock.js";

export class LockBanner {
  /** `changed(lock)` is told of the lock after it was broken. */
  constructor(changed) {
    this.f = parts(byId("lock"));
    this.breaking = new BreakDialog(changed);
    this.f.break.addEventListener("click", () => this.breaking.open(this.lock));
  }

  update(state) {
    const { f } = this;
    const lock = heldBy(state);
    this.lock = lock;
    show(f.root, lock);
    if (!lock) return;
    text(f.holder, lockWords(lock));
    text(f.until, "Nobody else can switch models.");
    text(f.reason, lock.reason ? `Reason: ${lock.reason}` : "");
  }
}

class BreakDialog extends Question {
  constructor(changed) {
    super("break-dialog", "Breaking");
    this.done = changed;
    this.f.reason.addEventListener("input", () => this.ready());
    this.f.reason.addEventListener("keydown", (event) => event.key === "Enter" && this.f.go.click());
  }

  open(lock) {
    text(this.f.text, `${lock.holder} is not asked. Its next switch is refused; one that has stopped the model before goes on.`);
    this.f.reason.value = "";
    this.ready();
    this.ask();
  }

  ready() {
    off(this.f.go, !this.f.reason.value.trim());
  }

  act() {
    return call("POST", "api/swap/lock/break", { reason: this.f.reason.value });
  }
}
