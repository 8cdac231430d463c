// Adds a Spark, tests it line by line, trusts its host key and removes it.

import { Question } from "./dialogs.js";
import { byId, copies, isOff, keyed, kind, off, parts, prose, show, stamp, text } from "./dom.js";
import { call, lineByLine, sentence } from "./http.js";

const CHECKS = {
  name: "Name",
  port: "Port",
  host_key: "Host key",
  login: "Login",
  python3: "Python",
  docker: "Docker",
  launch_scripts: "Scripts",
  nvidia_smi: "GPU",
  disk: "Disk",
};
const TONES = { ok: "ok", attention: "warn", failed: "crit", skipped: "off" };
const SPOKEN = { ok: "fine", attention: "look at this", failed: "failed", skipped: "skipped" };

/** The lines of one test, as they come, and the key that a person is asked to confirm. */
class Tester {
  /** `changed()` is told when what is known has changed. */
  constructor(f, changed) {
    this.f = f;
    this.changed = changed;
    f.agree.addEventListener("change", changed);
    [this.running, this.lines, this.key] = [null, [], null];
  }

  clear() {
    this.running?.abort();
    this.running = null;
    this.lines = [];
    this.key = null;
    this.f.agree.checked = false;
    this.draw();
  }

  /** Whether the key that was shown may be used: it is pinned, or a person said yes to it. */
  get confirmed() {
    return this.key?.state === "known" || (Boolean(this.key) && this.f.agree.checked);
  }

  async run(target) {
    this.clear();
    const mine = new AbortController();
    this.running = mine;
    this.draw();
    show(this.f.err, false);
    try {
      for await (const line of lineByLine("api/hosts/test", target, mine.signal)) {
        this.lines.push(line);
        this.key = line.key ?? this.key;
        this.draw();
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      prose(this.f.err, error.status === undefined ? "The test was cut off." : sentence(error));
      show(this.f.err, true);
    }
    if (this.running === mine) this.running = null;
    this.draw();
  }

  draw() {
    const { f, lines, key } = this;
    keyed(f.lines, lines, (line) => line.check, () => stamp("t-check"), (row, line) => {
      kind(row.dot, `dot ${TONES[line.state] ?? "off"}`);
      text(row.how, SPOKEN[line.state] ?? line.state);
      text(row.name, CHECKS[line.check] ?? line.check);
      prose(row.message, line.message);
      prose(row.hint, line.hint ?? "");
      show(row.hint, line.hint);
      row.root.classList.toggle("skipped", line.state === "skipped");
    });
    show(f.busy, this.running);
    show(f.keyrow, key && key.state !== "known");
    text(f.kind, key?.kind ?? "");
    text(f.fingerprint, key?.fingerprint ?? "");
    off(f.test, Boolean(this.running));
    this.changed();
  }
}

export class AddDialog extends Question {
  /** `added(host)` is told of the Spark that was added. */
  constructor(added) {
    super("add-dialog", "Adding");
    this.done = added;
    const { f } = this;
    this.tester = new Tester(f, () => this.offer());
    for (const field of [f.host, f.user, f.port]) {
      field.addEventListener("input", () => this.tester.lines.length && this.tester.clear());
    }
    f.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isOff(f.test)) this.test();
    });
    this.dialog.addEventListener("close", () => this.tester.clear());
    copies(f.copycommand, () => f.command.textContent);
  }

  async open() {
    this.ask();
    this.f.host.focus();
    try {
      const { command } = await call("GET", "api/ssh-key");
      text(this.f.command, command);
    } catch (error) {
      text(this.f.command, sentence(error));
    }
  }

  wish() {
    const { f } = this;
    return { host: f.host.value.trim(), user: f.user.value.trim(), port: Number(f.port.value || 22) };
  }

  test() {
    if (this.f.form.reportValidity()) return this.tester.run(this.wish());
  }

  /** The key decides: without one that was confirmed there is nothing to add. */
  offer() {
    const here = this.wish().host === "localhost" && !this.wish().user;
    off(this.f.go, !(here ? this.tester.lines.length : this.tester.confirmed), "add-why");
    show(this.f.why, this.tester.key && !this.tester.confirmed);
  }

  act() {
    const fingerprint = this.tester.key?.fingerprint ?? "";
    return call("POST", "api/hosts", { ...this.wish(), name: this.f.name.value.trim(), fingerprint });
  }
}

export class SparkDialog {
  /** `changed()` is told when a Spark was trusted or removed. */
  constructor(changed) {
    this.dialog = byId("spark-dialog");
    this.f = parts(this.dialog);
    this.removing = new RemoveDialog(() => {
      this.dialog.close();
      changed();
    });
    this.told = changed;
    const { f } = this;
    this.tester = new Tester(f, () => this.offer());
    f.keep.addEventListener("click", () => this.dialog.close());
    f.test.addEventListener("click", () => isOff(f.test) || this.tester.run({ name: this.host.name }));
    f.trust.addEventListener("click", () => isOff(f.trust) || this.trust());
    f.remove.addEventListener("click", () => isOff(f.remove) || this.removing.open(this.host.name));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.tester.clear());
  }

  async open(name) {
    const { f } = this;
    this.host = { name, keys: [] };
    this.draw();
    show(f.err, false);
    this.dialog.showModal();
    f.keep.focus();
    try {
      const { hosts } = await call("GET", "api/hosts");
      this.host = hosts.find((host) => host.name === name) ?? this.host;
      this.draw();
    } catch (error) {
      prose(f.err, sentence(error));
      show(f.err, true);
    }
    this.tester.run({ name });
  }

  draw() {
    const { f, host } = this;
    const port = host.port && host.port !== 22 ? `, port ${host.port}` : "";
    text(f.title, host.name);
    text(f.address, host.here ? "This machine, without SSH" : host.host ? `${host.host}${port}` : "");
    text(f.user, host.user || "That of the SSH client");
    text(f.keys, host.keys.map((key) => key.fingerprint).join(", ") || "None yet");
    const given = host.source === "environment";
    text(f.source, given ? "The environment" : host.source ? "This page or the command line" : "");
    off(f.remove, given || !host.source, given ? "spark-why" : null);
    prose(f.why, given ? `To remove it, take its \`SPARK${host.number}_…\` variables out of the environment and start again.` : "");
    show(f.why, given);
  }

  offer() {
    const { tester, f } = this;
    show(f.trust, tester.key && tester.key.state !== "known");
    off(f.trust, !tester.confirmed);
  }

  async trust() {
    const { f, host, tester } = this;
    const fingerprint = tester.key.fingerprint;
    off(f.trust, true);
    show(f.err, false);
    try {
      const path = `api/hosts/${encodeURIComponent(host.name)}/trust`;
      this.host = await call("POST", path, { fingerprint });
      this.draw();
      this.told();
      this.tester.run({ name: host.name });
    } catch (error) {
      this.offer();
      prose(f.err, sentence(error));
      show(f.err, true);
    }
  }
}

class RemoveDialog extends Question {
  constructor(removed) {
    super("remove-dialog", "Removing");
    this.done = removed;
  }

  open(name) {
    this.name = name;
    text(this.f.title, `Remove ${name}?`);
    this.ask();
  }

  act() {
    return call("DELETE", `api/hosts/${encodeURIComponent(this.name)}`);
  }
}
