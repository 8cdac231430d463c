// The door: asks for the owner token, and keeps the page behind it out of reach.

import { call, sentence } from "./http.js";
import { byId, isOff, off, prose, show, text } from "./dom.js";

export class SignIn {
  constructor(done) {
    this.done = done;
    byId("signin-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!isOff(byId("signin-go"))) this.send();
    });
  }

  open(why) {
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    byId("page").inert = true;
    show(byId("waiting"), false);
    if (why) text(byId("signin-why"), why);
    show(byId("signin"), true);
    byId("token").focus();
  }

  close() {
    show(byId("signin"), false);
    byId("page").inert = false;
    byId("token").value = "";
    prose(byId("signin-err"), "");
    byId("main").focus({ preventScroll: true });
  }

  async send() {
    const go = byId("signin-go");
    off(go, true);
    text(go, "Signing in");
    prose(byId("signin-err"), "");
    try {
      await call("POST", "api/session", { token: byId("token").value.trim() });
      this.close();
      this.done();
    } catch (error) {
      prose(byId("signin-err"), sentence(error));
      byId("token").select();
    } finally {
      off(go, false);
      text(go, "Sign in");
    }
  }
}
