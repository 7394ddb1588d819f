// A rep's week: how full each day is, and having weeks planned.

import { element } from "./elements.js";
import { Offline, all, ask, byId, done, get, me, number, page, percent, problemOf, say } from "./base.js";
import { mondayOf, shifted, shortDay } from "./days.js";
import { clock } from "./stops.js";

const DAYS = 7;
const LOOKED_AT_EVERY = 1000;

export class Week {
  // hears: {open(day), planned()}
  constructor(state, hears) {
    Object.assign(this, { state, hears });
  }

  async load() {
    const { portfolio_id: portfolio, rep_id: rep, day } = this.state;
    if (!rep) return;
    const first = mondayOf(day);
    const query = new URLSearchParams({ rep_id: rep, from: first, until: shifted(first, DAYS - 1) });
    try {
      const calls = await all(`/v1/portfolios/${portfolio}/calls?${query}`);
      if (this.state.day === day && this.state.rep_id === rep) this._show(first, calls);
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
      byId("week-days").replaceChildren(element("li", { class: "empty" }, say("day_not_kept")));
    }
  }

  _show(first, calls) {
    const days = Array.from({ length: DAYS }, (_, i) => shifted(first, i));
    const rows = days.map((day) => ({ day, visits: calls.filter((call) => call.day === day) }));
    const working = rows.filter(({ day, visits }) => visits.length || new Date(`${day}T12:00:00Z`).getUTCDay() % 6 !== 0);
    byId("week-days").replaceChildren(...working.map(({ day, visits }) => this._row(day, visits)));
  }

  _row(day, visits) {
    const finished = visits.filter(({ status }) => status === "finished").length;
    const minutes = visits.reduce((sum, call) => sum + call.drive_minutes, 0);
    return element("li", {}, element("button", { type: "button", class: "week-day", "aria-current": day === this.state.day ? "date" : null, onclick: () => this.hears.open(day) },
      element("b", {}, shortDay(day)),
      element("span", {}, !visits.length ? say("free_day") : visits.length === 1 ? say("visit_of_day") : say("visits_of_day", { count: visits.length })),
      element("span", { class: "soft" }, visits.length ? `${clock(visits[0].start)} – ${clock(visits[visits.length - 1].leave)} · ${say("drive_minutes_of", { minutes: number(Math.round(minutes)) })}` : ""),
      finished ? element("span", { class: "badge accepted" }, say("done_of", { done: finished, all: visits.length })) : null));
  }

  // Have weeks planned, and tell how far it is.
  async plan(start, weeks, reps) {
    const box = byId("planning");
    const { location } = await ask("POST", `/v1/portfolios/${this.state.portfolio_id}/calls`, { body: { start, weeks, rep_ids: reps } });
    for (;;) {
      const plan = await get(location);
      if (plan.status !== "planning") {
        box.replaceChildren(...(plan.status === "ready" ? this._told(plan) : [element("div", { class: "said" }, problemOf({ problem: plan.problem ?? {}, message: say("could_not_be_planned") }))]));
        if (plan.status === "ready") this.hears.planned();
        return;
      }
      const share = plan.progress ? ` ${percent(plan.progress)}` : "";
      box.replaceChildren(element("p", { class: "working", role: "status" }, element("progress", { "aria-label": say("progress") }), `${say("weeks_are_planned")}${share}`));
      await new Promise((resolve) => { setTimeout(resolve, LOOKED_AT_EVERY); });
    }
  }

  _told({ facts }) {
    done(say("weeks_planned"));
    const dropped = me.role === "rep" ? null : facts.dropped;
    return [
      element("p", {}, say("weeks_told", { visits: number(facts.visits) }), dropped ? ` ${say("weeks_dropped", { count: number(dropped) })}` : ""),
      ...facts.problems.map((problem) => element("p", { class: "soft", lang: page.language === "en" ? null : "en" }, `${problem.where}: ${problem.what} ${problem.fix}`)),
    ];
  }
}
