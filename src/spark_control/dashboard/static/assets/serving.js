// What is served now, under which address, and a small box to try it.

import { address, chat, sentence } from "./http.js";
import { attr, byId, copies, keyed, kind, parts, prose, show, stamp, text } from "./dom.js";
import { decimal, list, played } from "./words.js";

export class Serving {
  constructor() {
    this.f = parts(byId("serving"));
    this.base = address("v1");
    text(this.f.base, this.base);
    copies(this.f.copybase, () => this.base);
    copies(this.f.copycurl, () => this.f.curl.textContent);
    this.box = new TryBox(this.f, () => this.model);
    this.f.pick.addEventListener("change", () => this.choose(this.f.pick.value));
  }

  update(state) {
    const { f } = this;
    const { loaded } = state.status;
    this.token = state.session.auth === "token";
    keyed(f.loaded, loaded, (one) => `${one.model} ${one.spark}`, () => stamp("t-loaded"), (row, one) => {
      text(row.name, state.nameOf(one.model));
      text(row.on, `on ${list(one.sparks ?? [one.spark])}`);
      text(row.played, played(one.played));
      show(row.played, one.played);
    });
    show(f.none, !loaded.length);
    text(f.none, state.busy ? "No model answers until the switch is done." : "No model is running. Choose one below.");
    const models = [...new Set(loaded.map((one) => one.model))];
    keyed(f.pick, models, (name) => name, option, () => undefined);
    show(f.pick, models.length > 1);
    this.choose(models.includes(this.model) ? this.model : models[0]);
    show(f.try, models.length || this.box.busy);
    show(f.curlrow, models.length);
    f.root.classList.toggle("alone", !f.try.hidden);
  }

  choose(model) {
    if (model !== this.model) this.box.clear();
    this.model = model;
    if (!model) return;
    if (this.f.pick.value !== model) this.f.pick.value = model;
    text(this.f.curl, this.curl(model));
  }

  curl(model) {
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], stream: true });
    const token = this.token ? ' -H "Authorization: Bearer $TOKEN"' : "";
    const quoted = body.replaceAll("'", "'\\''");
    return `curl -N ${this.base}/chat/completions -H 'Content-Type: application/json'${token} -d '${quoted}'`;
  }
}

function option(name) {
  const one = document.createElement("option");
  one.value = name;
  text(one, name);
  return one;
}

class TryBox {
  constructor(f, model) {
    this.f = f;
    this.model = model;
    this.running = null;
    f.try.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.running) this.running.abort();
      else this.send();
    });
    f.prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.running) this.send();
    });
  }

  get busy() {
    return Boolean(this.running);
  }

  /** An answer of another model is not left standing; one that still comes is. */
  clear() {
    if (this.running) return;
    text(this.f.trystat, "");
    show(this.f.answer, false);
    show(this.f.tryerr, false);
  }

  async send() {
    const { f } = this;
    const prompt = f.prompt.value.trim();
    if (!prompt) {
      f.prompt.focus();
      return;
    }
    const stop = new AbortController();
    this.begin(stop);
    const began = performance.now();
    let first = null;
    try {
      await chat(this.model(), prompt, stop.signal, (words, thought) => {
        first ??= words || thought ? performance.now() : null;
        this.take(words, thought);
      });
      const seconds = (at) => `${decimal((at - began) / 1000)} s`;
      const end = seconds(performance.now());
      text(f.trystat, first === null ? "The answer was empty" : `First text after ${seconds(first)}, ${end} in all`);
    } catch (error) {
      this.failed(error, stop);
    } finally {
      this.end();
    }
  }

  begin(stop) {
    const { f } = this;
    this.running = stop;
    this.words = document.createTextNode("");
    f.answer.replaceChildren(this.words);
    attr(f.answer, "aria-busy", "true");
    kind(f.answer, "answer");
    show(f.answer, true);
    show(f.tryerr, false);
    text(f.trystat, "Waiting for the first token");
    text(f.send, "Stop");
    kind(f.send, "btn");
  }

  take(words, thought) {
    const { f } = this;
    if (thought && !this.words.data) text(f.trystat, "Thinking");
    if (!words) return;
    text(f.trystat, "Answering");
    const end = f.answer.scrollHeight - f.answer.clientHeight - f.answer.scrollTop < 12;
    this.words.data += words;
    if (end) f.answer.scrollTop = f.answer.scrollHeight;
  }

  failed(error, stop) {
    const { f } = this;
    text(f.trystat, stop.signal.aborted ? "Stopped" : "");
    if (stop.signal.aborted) return;
    const words = error.status === undefined ? "The answer broke off. The connection was cut." : sentence(error);
    prose(f.tryerr, words);
    show(f.tryerr, true);
  }

  end() {
    const { f } = this;
    this.running = null;
    attr(f.answer, "aria-busy", null);
    show(f.answer, this.words.data);
    text(f.send, "Send");
    kind(f.send, "btn primary");
    document.dispatchEvent(new Event("redraw"));
  }
}
