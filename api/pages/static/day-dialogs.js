// What a rep is asked on his day: how a visit went, from where to go on, whom else he visits, which weeks to plan.

import { element } from "./elements.js";
import { Offline, Refused, ask, byId, hush, localDay, number, onSubmit, openDialog, say } from "./base.js";
import { mondayOf } from "./days.js";
import { typedPlace } from "./places.js";
import { canReplan, replanned } from "./replanning.js";
import { isRep } from "./visiting.js";

const OUTCOMES = ["met", "ordered", "absent", "postponed"];
const HERE = "here";
const TYPED = "typed";

// hears: {replanned(rest), stops()}
export function listenToDialogs(state, visits, week, hears) {
  let about = null;

  // ---- how a visit went

  function openVisit(stop, visit, isChange) {
    about = { stop, visit, isChange };
    const form = byId("visit").querySelector("form");
    byId("visit-title").textContent = stop.name || stop.customer_id;
    byId("visit-save").textContent = isChange ? say("save") : say("finish_visit");
    byId("both").hidden = true;
    showOutcomes(isChange ? visit.outcome : "met");
    const since = visit?.started_at && !isChange ? Math.round((Date.now() / 1000 - visit.started_at) / 60) : stop.minutes;
    form.elements.minutes.value = isChange ? visit.minutes ?? "" : Math.max(0, Math.min(1440, Math.round(since ?? 0))) || "";
    form.elements.note.value = isChange ? visit.note : "";
    openDialog(byId("visit"));
  }

  function showOutcomes(chosen) {
    byId("outcomes").replaceChildren(...OUTCOMES.map((outcome) => element("label", { class: "tick" },
      element("input", { type: "radio", name: "outcome", value: outcome, checked: outcome === chosen, required: true }), ` ${say(`outcome_${outcome}`)}`)));
  }

  onSubmit(byId("visit").querySelector("form"), async ({ outcome, minutes, note }) => {
    const told = { outcome: outcome.value, minutes: minutes.value === "" ? null : Number(minutes.value), note: note.value.trim() };
    const { stop, visit, isChange } = about;
    if (!isChange) {
      byId("visit").close();
      await visits.finish(stop.customer_id, stop.name, told);
      return;
    }
    try {
      await visits.change(visit, told);
      byId("visit").close();
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 412) throw error;
      showBoth(error.problem.current, told);
    }
  });

  // Somebody has changed it meanwhile: both versions side by side, and one's own stays in the fields.
  function showBoth(theirs, mine) {
    const line = (each) => [say(`outcome_${each.outcome}`), each.minutes === null ? null : say("minutes_of", { minutes: number(each.minutes) }), each.note].filter(Boolean).join(" · ");
    about.visit = { ...about.visit, ...theirs };
    byId("both").hidden = false;
    byId("both").className = "verdict unfair";
    byId("both").replaceChildren(element("p", {}, element("strong", {}, say("changed_meanwhile_both"))),
      element("p", {}, `${say("theirs")}: ${line(theirs)}`), element("p", {}, `${say("mine")}: ${line(mine)}`));
    byId("visit-save").textContent = say("save_mine");
    hush(byId("visit").querySelector("[role=alert]"));
  }

  // ---- from where to go on

  const replan = byId("replan").querySelector("form");

  function openReplan() {
    const stops = hears.stops();
    const last = stops.filter(({ isDone }) => isDone).at(-1);
    replan.reset();
    replan.elements.where.replaceChildren(...[
      navigator.geolocation ? [HERE, say("where_i_am")] : null,
      last ? [last.customer_id, say("at_customer", { name: last.name || last.customer_id })] : ["", say("at_start")],
      [TYPED, say("type_a_place")],
    ].filter(Boolean).map(([value, text]) => element("option", { value }, text)));
    byId("typed-place").hidden = replan.elements.where.value !== TYPED;
    const at = new Date();
    replan.elements.time.value = state.day === localDay() ? `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}` : state.route.depart.slice(11, 16);
    const rest = stops.filter(({ isDone, arrive }) => arrive && !isDone);
    byId("cancelled").replaceChildren(...rest.map((stop) => element("label", { class: "tick" },
      element("input", { type: "checkbox", name: "cancelled", value: stop.customer_id }), ` ${stop.name || stop.customer_id}`)));
    openDialog(byId("replan"));
  }

  byId("open-replan").addEventListener("click", openReplan);
  replan.elements.where.addEventListener("change", ({ target }) => { byId("typed-place").hidden = target.value !== TYPED; });

  function here() {
    return new Promise((resolve, reject) => {
      navigator.geolocation.getCurrentPosition(({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude }), () => {
        replan.elements.where.value = TYPED;
        byId("typed-place").hidden = false;
        reject(new Refused(0, { detail: say("no_place_type_it") }));
      }, { enableHighAccuracy: true, timeout: 8000, maximumAge: 60000 });
    });
  }

  function typed(text) {
    const found = typedPlace(text);
    if (!found) throw new Refused(0, { detail: say("no_such_place") });
    return found;
  }

  function place(where) {
    if (where === HERE) return here();
    if (where === TYPED) return typed(replan.elements.place.value);
    const stop = hears.stops().find(({ customer_id: id }) => id === where);
    return stop?.lon === undefined ? null : { lon: stop.lon, lat: stop.lat };
  }

  onSubmit(replan, async ({ where, time, urgent }) => {
    const position = await place(where.value);
    const stops = hears.stops();
    const body = {
      day: state.day, time: time.value, position,
      done: stops.filter(({ isDone }) => isDone).map(({ customer_id: id }) => id),
      cancelled: [...byId("cancelled").querySelectorAll("input:checked")].map(({ value }) => value),
      urgent: urgent.value.trim() ? [urgent.value.trim()] : [],
    };
    const rest = await restOf(body, position, where.value);
    byId("replan").close();
    hears.replanned({ ...rest, at: `${state.day}T${time.value}:00` });
  });

  // The service knows more; without a line the phone plans by what it has.
  async function restOf(body, position, where) {
    try {
      return (await ask("POST", `/v1/portfolios/${state.portfolio_id}/reps/${encodeURIComponent(state.rep_id)}/route/replan`, { body })).content;
    } catch (error) {
      const known = state.rest ?? state.route;
      if (!(error instanceof Offline) || !canReplan(known)) throw error;
      if (body.urgent.length) throw new Refused(0, { detail: say("urgent_needs_line") });
      const from = where === HERE || where === TYPED ? position : where || null;
      return { ...replanned(known, { ...body, from }), isByPhone: true };
    }
  }

  // ---- somebody whom nobody had planned

  byId("open-other").addEventListener("click", () => {
    byId("other").querySelector("form").reset();
    openDialog(byId("other"));
  });

  onSubmit(byId("other").querySelector("form"), async ({ customer }) => {
    const word = customer.value.trim();
    const found = state.customers.find(({ customer_id: id, name }) => id === word || name === word);
    if (!found) throw new Refused(0, { detail: say("no_such_customer_of_mine") });
    byId("other").close();
    await visits.start(found.customer_id, found.name);
  });

  // ---- weeks

  function openPlan() {
    const form = byId("plan").querySelector("form");
    form.elements.start.value = mondayOf(state.day);
    openDialog(byId("plan"));
  }

  byId("open-plan").addEventListener("click", openPlan);
  onSubmit(byId("plan").querySelector("form"), async ({ start, weeks, everybody }) => {
    const reps = isRep || everybody.checked ? null : [state.rep_id];
    byId("plan").close();
    byId("tab-week").click();
    await week.plan(start.value, Number(weeks.value), reps);
  });

  return { finish: (stop, visit) => openVisit(stop, visit, false), change: (stop, visit) => openVisit(stop, visit, true), plan: openPlan, replan: openReplan };
}
