// Imports recipes of spark-vllm-docker, and says what was left out of each.

import { Question } from "./dialogs.js";
import { keyed, off, prose, show, stamp, text } from "./dom.js";
import { call, sentence } from "./http.js";

export class ImportDialog extends Question {
  /** `changed()` is told when there are new recipes. */
  constructor(changed) {
    super("import-dialog", "Importing");
    this.changed = changed;
    this.f.files.addEventListener("change", () => this.fill());
    this.f.text.addEventListener("input", () => this.ready());
  }

  open() {
    this.f.text.value = "";
    this.f.files.value = "";
    this.draw([], []);
    this.ready();
    this.ask();
  }

  /** Put the chosen files into the field, one document each. */
  async fill() {
    const texts = await Promise.all([...this.f.files.files].map((file) => file.text()));
    this.f.text.value = texts.join("\n---\n");
    this.ready();
  }

  ready() {
    off(this.f.go, !this.f.text.value.trim());
  }

  /** The dialog stays open: what was left out is to be read. */
  async go() {
    const { f } = this;
    off(f.go, true);
    show(f.err, false);
    try {
      const { imported, refused } = await call("POST", "api/models/import", { text: f.text.value });
      this.draw(imported, refused);
      if (imported.length) this.changed();
    } catch (error) {
      prose(f.err, error.status === undefined ? "That did not work." : sentence(error));
      show(f.err, true);
      this.ready();
    }
  }

  draw(imported, refused) {
    const rows = [
      ...imported.map(({ recipe, left_out: left }) => [`Imported ${recipe.name}.`, left.map((one) => `Left out: ${one.field}: ${one.reason}`).join(" ")]),
      ...refused.map((one) => [`Not imported: ${one.name}.`, one.reason]),
    ];
    text(this.f.keep, rows.length ? "Close" : "Not now");
    keyed(this.f.results, rows.map((row, at) => [at, ...row]), ([at]) => at, () => stamp("t-problem"), (row, [, where, why]) => {
      text(row.where, where);
      prose(row.reason, why);
    });
  }
}
