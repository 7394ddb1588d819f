// What a person has sent while there was no line: kept on the phone, and sent once when the line is back.
//
// Each message has a key of its own, made when it is written: however often it is sent, the service does it once.

import { Offline, Refused, ask, get, me, newKey } from "./base.js";

const PLACE = "territory-outbox";
const LATER = [408, 425, 429];
const AGAIN_AFTER = 15000; // milliseconds

export class Outbox {
  // `owner` keeps two people who share a phone apart; hears: changed(messages), sent(message, content), refused(message, error)
  constructor(owner, hears) {
    this.place = `${PLACE}:${owner}`;
    this.hears = hears;
    window.addEventListener("online", () => this.flush());
    window.addEventListener("storage", ({ key }) => key === this.place && this.hears.changed(this.messages()));
  }

  messages() {
    return JSON.parse(localStorage.getItem(this.place) || "[]");
  }

  async post(path, body, about) {
    this._keep([...this.messages(), { key: newKey(), path, body, about, at: Date.now() }]);
    await this.flush();
  }

  // One after the other, in the order they were written; two open pages do not send at once.
  async flush() {
    const send = () => this._send();
    await (navigator.locks ? navigator.locks.request(this.place, send) : send());
  }

  async _send() {
    for (const message of this.messages()) {
      try {
        const { content } = await ask("POST", message.path, { body: message.body, key: message.key });
        this._drop(message);
        this.hears.sent(message, content);
      } catch (error) {
        if (error instanceof Offline || LATER.includes(error.status) || error.status >= 500 || await this._isRenewed(error)) {
          clearTimeout(this._again);
          this._again = setTimeout(() => this.flush(), AGAIN_AFTER);
          return;
        }
        if (!(error instanceof Refused)) throw error;
        this._drop(message);
        this.hears.refused(message, error);
      }
    }
  }

  // A page that was kept on the phone may carry the token of an older session: then the new one is taken.
  async _isRenewed(error) {
    if (error.status !== 403) return false;
    const { csrf } = await get("/v1/me");
    if (!csrf || csrf === me.csrf) return false;
    me.csrf = csrf;
    return true;
  }

  _drop(message) {
    this._keep(this.messages().filter(({ key }) => key !== message.key));
  }

  _keep(messages) {
    localStorage.setItem(this.place, JSON.stringify(messages));
    this.hears.changed(messages);
  }
}
