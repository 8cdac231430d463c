// Says how a model could be launched and where each value came from, and keeps it on a yes.

import { Question } from "./dialogs.js";
import { drawFit } from "./fit.js";
import { call, sentence } from "./http.js";
import { keyed, off, prose, show, stamp, text } from "./dom.js";

export class SetupDialog extends Question {
  /** `saved(recipe)` is told of the recipe that was kept. */
  constructor(saved) {
    super("setup-dialog", "Saving");
    this.done = saved;
  }

  async open(key, state) {
    const { f } = this;
    this.proposal = null;
    text(f.title, `Set up ${state.nameOf(key)}`);
    text(f.text, "Reading what is on the disk.");
    keyed(f.values, [], String, () => null, () => null);
    show(f.fit, false);
    off(f.go, true);
    this.ask();
    try {
      this.proposal = await call("GET", `api/models/suggest?key=${encodeURIComponent(key)}`);
    } catch (error) {
      text(f.text, "");
      prose(f.err, sentence(error));
      show(f.err, true);
      return;
    }
    this.draw();
  }

  draw() {
    const { f, proposal } = this;
    text(f.text, "Launch settings read from the files of the model. They are kept in models-overrides.yaml and can be changed there.");
    keyed(f.values, proposal.values, (one) => one.name, () => stamp("t-value"), (row, one) => {
      text(row.name, one.name);
      text(row.value, one.value);
      text(row.source, one.source);
      show(row.agree, one.confirm);
      text(row.words, `Add ${one.words.join(" ")}`);
      row.yes.checked = false;
      row.yes.dataset.name = one.name;
    });
    drawFit(f, proposal.fit);
    off(f.go, false);
  }

  act() {
    const agreed = [...this.f.values.querySelectorAll("input:checked")].map((box) => box.dataset.name);
    const more = this.proposal.values.filter((one) => one.confirm && agreed.includes(one.name));
    const args = [...(this.proposal.recipe.vllm_args ?? []), ...more.flatMap((one) => one.words)];
    return call("POST", "api/models", { ...this.proposal.recipe, vllm_args: args });
  }
}
