// The pages of this page: which one is shown is in the address, so it can be kept and sent.

import { attr, byId, show } from "./dom.js";

const NAMES = { "#/requests": "requests", "#/gateway": "gateway" };

export class Views {
  /** `turned(name)` is told which one is shown from now on. */
  constructor(turned) {
    this.turned = turned;
    this.name = "";
    addEventListener("hashchange", () => this.turn());
  }

  turn() {
    const name = NAMES[location.hash] ?? "overview";
    if (name === this.name) return;
    const first = !this.name;
    this.name = name;
    for (const tab of byId("tabs").children) {
      attr(tab, "aria-current", tab.dataset.view === name ? "page" : null);
      show(byId(`view-${tab.dataset.view}`), tab.dataset.view === name);
    }
    if (!first) scrollTo(0, 0);
    this.turned(name);
  }
}
