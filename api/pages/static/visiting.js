// Visits of a day as they stand: what the service knows, and what still waits on this phone for a line.

import { Offline, ask, get, me, page } from "./base.js";
import { Outbox } from "./outbox.js";

export class Visits {
  // hears: {changed(), sent(), refused(error)}
  constructor(hears) {
    this.known = [];
    this.stored = 0; // how often the service has answered what a visit is now
    this.hears = hears;
    this.outbox = new Outbox(me.user_id, {
      changed: () => hears.changed(),
      sent: ({ about }, content) => {
        if (about.kind !== "visit") return;
        this._know(content);
        hears.changed();
        if (content.status === "finished") hears.sent();
      },
      refused: (_, error) => hears.refused(error),
    });
  }

  async load(place) {
    const isSame = this.place && ["portfolio_id", "rep_id", "day"].every((key) => this.place[key] === place[key]);
    if (!isSame) this.known = [];
    this.place = place;
    const query = new URLSearchParams({ rep_id: place.rep_id, day: place.day, limit: 1000 });
    const { stored } = this;
    try {
      const { items } = await get(`/v1/portfolios/${place.portfolio_id}/visits?${query}`);
      if (this.place !== place) return;
      if (this.stored !== stored) await this.load(place); // this list may be older than what was sent meanwhile
      else this.known = items;
    } catch (error) {
      if (!(error instanceof Offline)) throw error; // what waits on this phone is shown all the same
    }
  }

  // customer -> visit; one that is not sent yet says so by `isWaiting`.
  byCustomer() {
    const found = new Map(this.known.map((visit) => [visit.customer_id, visit]));
    for (const { body, about } of this._waiting()) {
      const known = found.get(body.customer_id);
      if (known?.status === "finished") continue;
      const times = body.status === "started" ? { started_at: body.at } : { finished_at: body.at, started_at: known?.started_at ?? null };
      found.set(body.customer_id, { ...known, ...body, ...times, name: about.name, isWaiting: true });
    }
    return found;
  }

  start(customer, name) {
    return this._tell({ customer_id: customer, status: "started", at: Date.now() / 1000 }, name);
  }

  finish(customer, name, { outcome, minutes, note }) {
    return this._tell({ customer_id: customer, status: "finished", at: Date.now() / 1000, outcome, minutes, note }, name);
  }

  async change(visit, changes) {
    const { content } = await ask("PATCH", `/v1/visits/${visit.visit_id}`, { body: changes, match: `"${visit.revision}"` });
    this._know(content);
    this.hears.changed();
  }

  async takeBack(visit) {
    await ask("DELETE", `/v1/visits/${visit.visit_id}`, { match: `"${visit.revision}"` });
    this.stored += 1;
    this.known = this.known.filter(({ visit_id: id }) => id !== visit.visit_id);
    this.hears.changed();
  }

  _tell(body, name) {
    const { portfolio_id: portfolio, rep_id: rep, day } = this.place;
    return this.outbox.post(`/v1/portfolios/${portfolio}/visits`, { ...body, rep_id: rep, day }, { kind: "visit", name, portfolio_id: portfolio });
  }

  _waiting() {
    const { place } = this;
    if (!place) return [];
    return this.outbox.messages().filter(({ about, body }) =>
      about.kind === "visit" && about.portfolio_id === place.portfolio_id && body.rep_id === place.rep_id && body.day === place.day);
  }

  _know(visit) {
    this.stored += 1;
    if (this.place?.day !== visit.day || this.place.portfolio_id !== visit.portfolio_id) return;
    const named = this.known.find(({ visit_id: id }) => id === visit.visit_id);
    this.known = [...this.known.filter(({ visit_id: id }) => id !== visit.visit_id), { ...named, ...visit }];
  }
}

export const isRep = me.role === "rep";
export const isChinese = page.language === "zh";
