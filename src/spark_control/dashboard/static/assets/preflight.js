// What would go wrong with a switch, asked while its dialog is open. It holds up nobody.

import { call } from "./http.js";
import { attr, keyed, kind, prose, show, stamp, text } from "./dom.js";

export class Preflight {
  constructor(f) {
    this.f = f;
    this.asked = 0;
  }

  /** Ask about `key` on `host` and show what comes; an answer that is late is left out. */
  async look(key, host) {
    const mine = ++this.asked;
    this.draw("Checking the arguments with vLLM's own parser", []);
    try {
      const found = await call("POST", `api/swap/${encodeURIComponent(key)}/validate`, host ? { host } : {});
      if (mine === this.asked) this.show(found);
    } catch (error) {
      if (mine === this.asked) this.draw(`Not checked. ${error.message ?? ""}`, []);
    }
  }

  show(found) {
    const errors = found.errors.map((words) => ({ words, bad: true }));
    const warnings = found.warnings.map((words) => ({ words, bad: false }));
    const by = found.parser ? `Checked by ${found.parser}` : "Checked without vLLM's own parser";
    const head = found.ok ? `${by}. A pass is no promise.` : "This will most likely not start:";
    this.draw(head, [...errors, ...warnings]);
    attr(this.f.prehead, "title", found.note);
  }

  draw(head, findings) {
    const { f } = this;
    show(f.pre, true);
    text(f.prehead, head);
    attr(f.prehead, "title", null);
    show(f.prelist, findings.length);
    keyed(f.prelist, findings, ({ words }) => words, () => stamp("t-finding"), (row, { words, bad }) => {
      kind(row.root, bad ? "bad" : "");
      prose(row.root, words);
    });
  }
}
