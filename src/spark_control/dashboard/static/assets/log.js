// The log tail of a switch: its own stream, open only while somebody can see it.

import { address } from "./http.js";
import { attr, text } from "./dom.js";

const MOST = 500;
const AGAIN_MS = 3000;

export class Log {
  constructor(f) {
    this.f = f;
    this.nodes = [];
    this.id = null;
    this.source = null;
    this.following = true;
    f.lines.addEventListener("scroll", () => this.scrolled());
    f.follow.addEventListener("click", () => this.follow(true));
    addEventListener("resize", () => this.following && this.follow(true));
  }

  /** Follow the log of switch `id`; doing it again changes nothing. */
  open(id) {
    if (this.source && this.id === id) return;
    this.close();
    if (this.id !== id) this.fill(id, []);
    let fresh = true;
    const source = new EventSource(address(`api/swap/${encodeURIComponent(id)}/stream`));
    this.source = source;
    source.addEventListener("log", (event) => {
      // A new stream begins with all that is held; one that resumed goes on where it was.
      if (fresh) this.fill(id, []);
      fresh = false;
      this.add(JSON.parse(event.data).lines);
    });
    source.addEventListener("swap", (event) => {
      if (JSON.parse(event.data).ended_at) this.close();
    });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED || source !== this.source) return;
      this.timer = setTimeout(() => this.source === source && this.reopen(id), AGAIN_MS);
    };
  }

  reopen(id) {
    this.close();
    this.open(id);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  /** Show these lines and no others. */
  fill(id, lines) {
    if (this.id !== id) this.follow(true);
    this.id = id;
    this.f.lines.replaceChildren();
    this.nodes = [];
    this.add(lines);
  }

  add(lines) {
    const pre = this.f.lines;
    // Asked before the lines come: the event of a scroll may arrive after them.
    const stay = this.atEnd();
    const fresh = lines.slice(-MOST).map((line) => document.createTextNode(`${line}\n`));
    pre.append(...fresh);
    this.nodes.push(...fresh);
    this.trim(pre, stay);
    if (stay) pre.scrollTop = pre.scrollHeight;
    else this.scrolled();
  }

  /** Drop the oldest lines; who reads further up keeps the place. */
  trim(pre, stay) {
    const over = this.nodes.splice(0, Math.max(0, this.nodes.length - MOST));
    if (!over.length) return;
    const [top, before] = [pre.scrollTop, pre.scrollHeight];
    for (const node of over) node.remove();
    if (!stay) pre.scrollTop = Math.max(0, top - (before - pre.scrollHeight));
  }

  atEnd() {
    const pre = this.f.lines;
    return pre.scrollHeight - pre.clientHeight - pre.scrollTop < 12;
  }

  scrolled() {
    const end = this.atEnd();
    if (end !== this.following) this.follow(end);
  }

  follow(on) {
    this.following = on;
    text(this.f.follow, on ? "Following" : "Jump to newest");
    attr(this.f.follow, "aria-pressed", on ? "true" : "false");
    if (on) this.f.lines.scrollTop = this.f.lines.scrollHeight;
  }
}
