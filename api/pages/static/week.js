// A rep's week: how full each day is, and having weeks planned.

import { element } from "./elements.js";
import { Offline, all, ask, byId, done, follow, get, me, number, problemOf, progressBar, say, toldProblem } from "./base.js";
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
      byId("week-days").replaceChildren(element("li", { class: "empty" }, say("week_not_kept")));
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
      element("span", { class: "soft" }, visits.length ? `${clock(visits[0].start)} – ${clock(visits.at(-1).leave)} · ${say("drive_minutes_of", { minutes: number(Math.round(minutes)) })}` : ""),
      finished ? element("span", { class: "badge accepted" }, say("done_of", { done: finished, all: visits.length })) : null));
  }

  // Have weeks planned, and tell how far it is.
  async plan(start, weeks, reps) {
    const { content } = await ask("POST", `/v1/portfolios/${this.state.portfolio_id}/calls`, { body: { start, weeks, rep_ids: reps } });
    await this._watch(content);
  }

  // Weeks that are still being planned when the page is opened.
  async resume() {
    const { portfolio_id: portfolio, rep_id: rep } = this.state;
    try {
      const { items } = await get(`/v1/portfolios/${portfolio}/call-plans`);
      const plan = items.find(({ status, rep_ids: reps }) => status === "planning" && reps.includes(rep));
      if (plan) await this._watch(plan);
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
    }
  }

  async _watch(plan) {
    if (this.watched === plan.call_plan_id) return;
    this.watched = plan.call_plan_id;
    const { box, tell } = progressBar(plan.job);
    byId("planning").replaceChildren(element("p", {}, say("weeks_are_planned")), box);
    box.scrollIntoView({ block: "nearest" });
    const isWatched = () => this.watched === plan.call_plan_id; // or others are planned by now
    try {
      const over = plan.job ? await follow(plan.job, tell).then(() => this._look(plan)) : await this._await(plan, tell);
      if (!isWatched()) return;
      byId("planning").replaceChildren(...this._ended(over));
      if (over.status === "ready") this.hears.planned();
    } finally {
      if (isWatched()) this.watched = null; // what was refused may be watched again
    }
  }

  _look({ call_plan_id: id }) {
    return get(`/v1/calls/${id}`);
  }

  // Of weeks that somebody else has asked for one sees how far they are, and not the job.
  async _await(plan, tell) {
    for (;;) {
      try {
        const now = await this._look(plan);
        if (now.status !== "planning") return now;
        tell(now);
      } catch (error) {
        if (!(error instanceof Offline)) throw error; // the line comes back
      }
      await new Promise((resolve) => { setTimeout(resolve, LOOKED_AT_EVERY); });
    }
  }

  _ended(plan) {
    if (plan.status === "ready") return this._told(plan);
    if (plan.status === "cancelled") return [element("p", {}, say("weeks_cancelled"))];
    return [element("div", { class: "said" }, problemOf({ problem: plan.problem ?? {}, message: say("could_not_be_planned") }))];
  }

  _told({ facts }) {
    done(say("weeks_planned"));
    const dropped = me.role === "rep" ? null : facts.dropped;
    return [
      element("p", {}, say("weeks_told", { visits: number(facts.visits) }), dropped ? ` ${say("weeks_dropped", { count: number(dropped) })}` : ""),
      ...facts.problems.map((problem) => element("p", { class: "soft" }, toldProblem(problem))),
    ];
  }
}
