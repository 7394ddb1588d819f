// The list of a day: where to be when, how to get there, and what became of each visit.

import { element } from "./elements.js";
import { button, link, number, say } from "./base.js";
import { isChinese, isRep } from "./visiting.js";

export const clock = (moment) => moment.slice(11, 16);
const timeOf = (seconds) => {
  const at = new Date(seconds * 1000);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
};

// hears: {start(stop), finish(stop, visit), change(visit), takeBack(visit), choose(customer)}
export function stopCards(stops, visits, chosen, hears) {
  const next = stops.find(({ customer_id: id }) => visits.get(id)?.status !== "finished");
  return stops.map((stop) => stopCard(stop, visits.get(stop.customer_id), { isNext: stop === next, isChosen: stop.customer_id === chosen }, hears));
}

// The cards of `stops` with the day's pause between them, where `route` has one.
export function withPause(cards, stops, route) {
  if (!route.pause) return cards;
  const [from, until] = route.pause;
  const next = route.stops.find(({ start }) => start >= from);
  const place = next ? stops.findIndex(({ customer_id: id }) => id === next.customer_id) : stops.filter(({ arrive }) => arrive).length;
  const line = element("li", { class: "pause soft" }, say("pause_of", { from: clock(from), until: clock(until) }));
  return [...cards.slice(0, place), line, ...cards.slice(place)];
}

function stopCard(stop, visit, { isNext, isChosen }, hears) {
  const state = visit?.status ?? (isNext ? "next" : "planned");
  const name = stop.name || stop.customer_id;
  return element("li", { class: `stop ${state}`, id: `stop-${stop.label}`, "aria-current": isNext ? "step" : null, "data-chosen": String(isChosen) },
    element("button", { type: "button", class: "stop-number", "aria-label": say("show_on_map", { name }), onclick: () => hears.choose(stop.customer_id) }, stop.label),
    element("div", { class: "stop-told" },
      element("h3", {}, name),
      stop.arrive ? element("p", { class: "stop-time" }, element("time", {}, `${clock(stop.start)} – ${clock(stop.leave)}`),
        stop.appointment ? element("span", { class: "badge promised" }, say("appointment")) : null,
        stop.must && !stop.appointment ? element("span", { class: "badge promised" }, say("must_be")) : null) : null,
      element("p", { class: "soft small" }, [
        stop.customer_id === name ? null : stop.customer_id,
        stop.arrive ? say("drive_of", { minutes: number(Math.round(stop.drive_minutes)), km: number(stop.drive_km) }) : say("not_planned"),
        stop.wait_minutes >= 1 ? say("wait_of", { minutes: Math.round(stop.wait_minutes) }) : null,
      ].filter(Boolean).join(" · ")),
      visit ? told(visit) : null,
      element("div", { class: "buttons" }, [isRep ? act(stop, visit, isNext, hears) : null, stop.arrive ? ways(stop) : null,
        stop.phone ? link(`tel:${stop.phone}`, say("call"), { class: "quiet" }) : null])));
}

function told(visit) {
  const times = [visit.started_at, visit.finished_at].filter(Boolean).map(timeOf).join(" – ");
  return element("div", { class: "stop-visit" },
    element("p", {},
      element("span", { class: `badge ${visit.status === "finished" ? visit.outcome : "open"}` },
        visit.status === "finished" ? say(`outcome_${visit.outcome}`) : say("visit_runs")),
      ` ${times}`, visit.status === "finished" && visit.minutes !== null && visit.minutes !== undefined ? ` · ${say("minutes_of", { minutes: number(visit.minutes) })}` : null,
      visit.isWaiting ? element("span", { class: "soft" }, ` · ${say("waits_for_line")}`) : null),
    visit.note ? element("p", { class: "note" }, visit.note) : null);
}

function act(stop, visit, isNext, hears) {
  if (visit?.status === "finished") return visit.isWaiting ? null : button(say("change_visit"), async () => hears.change(stop, visit));
  if (visit?.status === "started") {
    return [
      button(say("finish_visit"), async () => hears.finish(stop, visit), { class: "main" }),
      visit.isWaiting ? null : button(say("undo_start"), async () => hears.takeBack(visit)),
    ];
  }
  return [
    button(say("start_visit"), async () => hears.start(stop), { class: isNext ? "main" : "quiet" }),
    button(say("finish_visit"), async () => hears.finish(stop, null)),
  ];
}

// Links that open an app when they are tapped, and nothing before.
function ways({ links, name, customer_id: id }) {
  const labels = { geo: say("phones_map"), google: "Google", apple: "Apple", amap: isChinese ? "高德" : "Amap" };
  return element("details", { class: "ways" },
    element("summary", { class: "quiet", "aria-label": `${say("navigate")}: ${name || id}` }, say("navigate")),
    element("div", { class: "buttons" }, Object.entries(labels).map(([app, label]) =>
      link(links[app], label, { class: "quiet", target: "_blank", rel: "noopener noreferrer" }))));
}

// Why a visit is left out, in the reader's language.
export function leftReason(row, nameOf) {
  const over = row.overtime_minutes === null ? "" : say("left_overtime", { minutes: Math.max(1, Math.round(row.overtime_minutes)) });
  const names = row.instead_of.map(nameOf).join(", ");
  const key = { closed: "left_closed", unreachable: "left_unreachable", "too long": "left_too_long", conflict: "left_conflict", "no room": "left_no_room", "no time": "left_no_time", "handed over": "left_handed_over", "less worth": "left_less_worth" }[row.code];
  if (key) return `${say(key)}${over}`;
  return `${names ? say("left_instead", { names }) : say("left_detour")}${over}`;
}
