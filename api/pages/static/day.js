// A rep's day: where to be when, on the phone and without a line; his manager sees it as well.

import { element } from "./elements.js";
import {
  Offline, Refused, all, attempt, byId, complain, done, get, link, localDay, me, number, page, say, toldProblem,
} from "./base.js";
import { listenToCalendars } from "./calendars.js";
import { listenToDialogs } from "./day-dialogs.js";
import { DayMap } from "./day-map.js";
import { longDay, shifted } from "./days.js";
import { keepForLater } from "./keeping.js";
import { clock, leftReason, stopCards, withPause } from "./stops.js";
import { listenToTabs } from "./tabs.js";
import { Visits, isRep } from "./visiting.js";
import { Week } from "./week.js";

const REPLANNED = "territory-replanned";
const ASKING_AFTER = 400; // milliseconds
const state = { portfolios: [], reps: [], customers: [], portfolio_id: null, rep_id: null, day: localDay(), route: null, rest: null, chosen: null };
const map = new DayMap({ stop: (customer) => choose(customer, true) });
const visits = new Visits({
  changed: () => { showLine(); showDay(); },
  sent: () => done(say("visit_sent")),
  refused: (error) => complain(error),
});
const open = listenToTabs((tab) => tab === "week" && week.load());
const week = new Week(state, { open: (day) => { open("route"); go({ day }); }, planned: () => go({}) });
const calendars = listenToCalendars(state);
const dialogs = listenToDialogs(state, visits, week, { replanned: keepRest, stops: dayStops });

// ---- the line

function showLine() {
  const waiting = visits.outbox.messages().length;
  const box = byId("line");
  box.className = `line ${navigator.onLine ? "" : "off"}`;
  box.textContent = [navigator.onLine ? "" : say("no_line"), waiting ? say("waiting_to_send", { count: waiting }) : ""].filter(Boolean).join(" ");
}
window.addEventListener("online", () => { showLine(); load(); });
window.addEventListener("offline", showLine);

// ---- the day

const base = () => `/v1/portfolios/${state.portfolio_id}/reps/${encodeURIComponent(state.rep_id)}`;

async function go(change) {
  Object.assign(state, change, { route: null, rest: null, chosen: null });
  byId("day").value = state.day;
  location.replace(`#${[state.portfolio_id, state.rep_id, state.day].map(encodeURIComponent).join("/")}`);
  showHead();
  await Promise.all([load(), week.load(), calendars.load()]);
}

async function load() {
  if (!state.rep_id) return;
  const { portfolio_id: portfolio, rep_id: rep, day } = state;
  const isCurrent = () => state.day === day && state.rep_id === rep && state.portfolio_id === portfolio;
  byId("stops").setAttribute("aria-busy", "true");
  // A day that was never asked for takes some seconds.
  const asking = notice(say("day_is_solved"));
  const waiting = setTimeout(() => isCurrent() && byId("notices").replaceChildren(asking), ASKING_AFTER);
  await attempt(null, async () => {
    try {
      const [route] = await Promise.all([get(`${base()}/route?day=${day}`), visits.load({ portfolio_id: portfolio, rep_id: rep, day })]);
      if (!isCurrent()) return;
      state.route = route;
      state.rest = keptRest();
    } catch (error) {
      if (!isCurrent()) return;
      clearTimeout(waiting);
      if (error instanceof Offline) byId("notices").replaceChildren(notice(say("day_not_kept")));
      else if (error instanceof Refused && error.status === 404) byId("notices").replaceChildren(notice(say("no_such_rep_that_day")));
      else throw error;
    }
  });
  clearTimeout(waiting);
  asking.remove();
  if (!isCurrent()) return;
  byId("stops").removeAttribute("aria-busy");
  showDay();
}

// The stops as they are shown: what is done first, then the rest in its order; and visits that nobody had planned.
function dayStops() {
  const { route, rest } = state;
  if (!route) return [];
  const known = visits.byCustomer();
  const isDone = (id) => known.get(id)?.status === "finished";
  const order = rest ? [...route.stops.filter(({ customer_id: id }) => isDone(id) && !rest.stops.some((stop) => stop.customer_id === id)), ...rest.stops] : route.stops;
  const planned = new Set(order.map(({ customer_id: id }) => id));
  const others = [...known.values()].filter(({ customer_id: id }) => !planned.has(id)).map(({ customer_id: id, name }) => {
    const left = route.stops.find((stop) => stop.customer_id === id);
    const customer = state.customers.find((each) => each.customer_id === id);
    return { customer_id: id, name: name || left?.name || customer?.name || "", phone: null };
  });
  return [
    ...order.map((stop, i) => ({ ...stop, label: String(i + 1), isDone: isDone(stop.customer_id) })),
    ...others.map((stop, i) => ({ ...stop, label: `+${i + 1}`, isDone: isDone(stop.customer_id) })),
  ];
}

function showDay() {
  const { route, rest } = state;
  const isThere = Boolean(route);
  byId("route").classList.toggle("is-empty", !isThere);
  byId("tools").hidden = !isThere || !isRep;
  byId("nearby").replaceChildren();
  if (!isThere) {
    for (const id of ["stops", "tiles"]) byId(id).replaceChildren();
    byId("left-out").hidden = byId("forms").hidden = true;
    return;
  }
  const shown = rest ?? route;
  const stops = dayStops();
  const finished = stops.filter(({ isDone }) => isDone).length;
  byId("route").classList.toggle("is-free", !stops.length);
  showNotices(stops);
  byId("on-the-way").hidden = Boolean(rest);
  byId("open-replan").disabled = !stops.some(({ isDone, arrive }) => arrive && !isDone) && !route.unvisited.length;
  byId("tiles").hidden = !stops.length;
  byId("tiles").replaceChildren(...[
    [say("tile_visits"), say("done_of", { done: finished, all: stops.length })],
    [say("tile_times"), `${clock(shown.depart)} – ${clock(shown.home)}`],
    [say("tile_drive"), say("drive_of", { minutes: number(Math.round(shown.drive_minutes)), km: number(shown.drive_km) })],
    [say("tile_proof"), proof(shown)],
  ].map(([label, value]) => element("div", { class: "tile" }, element("dt", {}, label), element("dd", {}, value))));
  const cards = stopCards(stops, visits.byCustomer(), state.chosen, {
    start: (stop) => visits.start(stop.customer_id, stop.name),
    finish: (stop, visit) => dialogs.finish(stop, visit),
    change: (stop, visit) => dialogs.change(stop, visit),
    takeBack: (visit) => visits.takeBack(visit),
    choose: (customer) => choose(customer),
  });
  byId("stops").replaceChildren(...withPause(cards, stops, shown));
  showLeftOut(shown);
  showForms();
  map.show(shown, stops.filter((stop) => shown.stops.some(({ customer_id: id }) => id === stop.customer_id)), standing());
  if (state.chosen) map.choose(state.chosen);
}

// What is written where the rest of the day begins; nothing where the day itself does.
function standing() {
  const { route, rest } = state;
  if (!rest || rest.begin.every((value, axis) => value === route.begin[axis])) return "";
  return say("you_are_here", { time: clock(rest.at) });
}

function proof(route) {
  if (!route.stops.length) return "–";
  if (route.certificate === "optimal") return say("proof_best");
  if (route.certificate === "infeasible") return say("proof_infeasible");
  if (route.isByPhone) return say("proof_by_phone");
  const gap = /^gap (.+)$/.exec(route.certificate);
  return gap ? say("proof_gap", { gap: gap[1].replace(" ", "") }) : say("proof_none");
}

function notice(text, ...more) {
  return element("div", { class: "verdict" }, element("p", {}, text), more);
}

function showNotices(stops) {
  const { route, rest } = state;
  const back = () => element("button", { type: "button", class: "quiet", onclick: () => { localStorage.removeItem(restKey()); state.rest = null; showDay(); } }, say("back_to_plan"));
  byId("notices").replaceChildren(...[
    rest ? notice(say(rest.isByPhone ? "replanned_by_phone" : "replanned_at", { time: clock(rest.at) }), element("p", { class: "buttons" }, back(),
      rest.isByPhone && navigator.onLine ? element("button", { type: "button", class: "quiet", onclick: () => dialogs.replan() }, say("replan_by_service")) : null)) : null,
    !rest && route.source === "due" && stops.length ? notice(say("no_plan_yet"), element("p", { class: "buttons" },
      element("button", { type: "button", class: "quiet", onclick: () => dialogs.plan() }, say("plan_weeks")))) : null,
    stops.length ? null : notice(say("no_visits_that_day")),
    ...(rest ?? route).reasons.map((reason) => notice(toldProblem(reason))),
    route.is_estimate && stops.length ? element("p", { class: "soft small" }, say("travel_is_estimate")) : null,
  ].filter(Boolean));
}

function showLeftOut({ unvisited }) {
  byId("left-out").hidden = !unvisited.length;
  byId("left-count").textContent = number(unvisited.length);
  const names = new Map([...state.route.stops, ...state.route.unvisited, ...state.customers].map((row) => [row.customer_id, row.name || row.customer_id]));
  byId("left-list").replaceChildren(...unvisited.map((row) => element("li", {},
    element("b", {}, row.name || row.customer_id), element("p", { class: "soft small" }, leftReason(row, (id) => names.get(id) ?? id)))));
}

function showForms() {
  byId("forms").hidden = false;
  const form = (f, label, more) => link(`${base()}/route?day=${state.day}&f=${f}`, label, { class: "quiet", ...more });
  byId("forms").replaceChildren(
    form("ics", say("form_calendar"), { download: `${state.day}.ics` }), form("gpx", "GPX", { download: `${state.day}.gpx` }),
    form("html", say("form_map"), { target: "_blank", rel: "noopener" }));
}

function choose(customer, isScrolled = false) {
  state.chosen = customer;
  map.choose(customer);
  for (const card of byId("stops").children) card.dataset.chosen = "false";
  const stop = dayStops().find(({ customer_id: id }) => id === customer);
  const card = stop && byId(`stop-${stop.label}`);
  if (!card) return;
  card.dataset.chosen = "true";
  if (isScrolled) card.scrollIntoView({ block: "nearest" });
}

// ---- the rest of the day, as it was planned again; it stays on this phone

const restKey = () => `${REPLANNED}:${me.user_id}:${state.portfolio_id}:${state.rep_id}:${state.day}`;

function keepRest(rest) {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(`${REPLANNED}:`) && key.slice(-10) < localDay(-1)) localStorage.removeItem(key);
  }
  localStorage.setItem(restKey(), JSON.stringify(rest));
  state.rest = rest;
  showDay();
}

function keptRest() {
  const text = localStorage.getItem(restKey());
  return text ? JSON.parse(text) : null;
}

// ---- who is on the way

byId("on-the-way").addEventListener("click", () => attempt(byId("on-the-way"), async () => {
  const { items } = await get(`${base()}/nearby?day=${state.day}&limit=10`);
  byId("nearby").replaceChildren(element("h3", {}, say("on_the_way")), items.length
    ? element("ul", { class: "plain" }, items.map((row) => element("li", {},
      element("b", {}, row.name || row.customer_id),
      element("p", { class: "soft small" }, say("detour_of", { minutes: number(Math.round(row.detour_minutes)), long: number(row.minutes), time: clock(row.arrive) })))))
    : element("p", { class: "empty" }, say("nobody_on_the_way")));
}));

// ---- whose day, and which

function showHead() {
  const rep = state.reps.find(({ rep_id: id }) => id === state.rep_id);
  const portfolio = state.portfolios.find(({ portfolio_id: id }) => id === state.portfolio_id);
  byId("title").textContent = longDay(state.day);
  byId("ways").classList.remove("arriving");
  byId("subtitle").textContent = [rep?.name || state.rep_id, rep?.territory, portfolio?.name].filter(Boolean).join(" · ");
  for (const [id, offset] of [["to-today", 0], ["to-tomorrow", 1]]) byId(id).setAttribute("aria-pressed", String(state.day === localDay(offset)));
}

function step(direction) {
  go({ day: shifted(state.day, direction * (byId("week").hidden ? 1 : 7)) });
}
byId("earlier").addEventListener("click", () => step(-1));
byId("later").addEventListener("click", () => step(1));
byId("to-today").addEventListener("click", () => go({ day: localDay() }));
byId("to-tomorrow").addEventListener("click", () => go({ day: localDay(1) }));
byId("day").addEventListener("change", ({ target }) => target.value && go({ day: target.value }));
byId("rep").addEventListener("change", ({ target }) => go({ rep_id: target.value }));
byId("portfolio").addEventListener("change", ({ target }) => enter(target.value));

// Fill a list to choose from, when there is a choice.
function offer(name, options, chosen) {
  byId(`${name}-choice`).hidden = options.length < 2;
  byId(name).replaceChildren(...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
}

async function enter(portfolio, rep = null, day = state.day) {
  state.portfolio_id = portfolio;
  const root = `/v1/portfolios/${portfolio}`;
  state.reps = await all(`${root}/reps`);
  const chosen = isRep ? me.rep_id : state.reps.some(({ rep_id: id }) => id === rep) ? rep : state.reps[0]?.rep_id;
  offer("portfolio", state.portfolios.map((each) => [each.portfolio_id, each.name]), portfolio);
  if (!isRep) offer("rep", state.reps.map((each) => [each.rep_id, each.name ? `${each.rep_id} ${each.name}` : each.rep_id]), chosen);
  if (byId("crumb")) {
    byId("crumb").textContent = state.portfolios[0].name;
    byId("crumb").href = `/portfolios/${portfolio}`;
  }
  if (!chosen) {
    byId("notices").replaceChildren(notice(say("no_reps")));
    showDay();
    return;
  }
  if (isRep) {
    state.customers = await all(`${root}/customers`);
    byId("own-customers").replaceChildren(...state.customers.map((row) => element("option", { value: row.customer_id }, row.name || row.customer_id)));
  }
  await go({ rep_id: chosen, day });
  attempt(null, () => week.resume());
}

attempt(null, async () => {
  const [portfolio, rep, day] = location.hash.slice(1).split("/").map(decodeURIComponent);
  showLine();
  state.portfolios = page.portfolio_id ? [await get(`/v1/portfolios/${page.portfolio_id}`)]
    : (await all("/v1/portfolios")).filter(({ status }) => status === "ready");
  if (!state.portfolios.length) {
    byId("subtitle").textContent = say("no_portfolio_of_mine");
    byId("route").classList.add("is-empty");
    return;
  }
  const known = state.portfolios.some(({ portfolio_id: id }) => id === portfolio) ? portfolio : state.portfolios[0].portfolio_id;
  await enter(known, rep, /^\d{4}-\d{2}-\d{2}$/.test(day ?? "") ? day : localDay());
  await visits.outbox.flush();
  if (isRep) await keepForLater(ahead());
});

// Tomorrow is read while there is a line, so that it is there without one.
function ahead() {
  const next = localDay(1);
  const query = new URLSearchParams({ rep_id: state.rep_id, day: next, limit: 1000 });
  return [`${base()}/route?day=${next}`, `/v1/portfolios/${state.portfolio_id}/visits?${query}`];
}
