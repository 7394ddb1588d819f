// The rest of a day, planned on the phone from what the day brought with it: minutes and kilometres from stop to stop.

import { bestOrder } from "./order.js";
import { straightKm } from "./places.js";

const [USUAL_DETOUR, USUAL_SPEED] = [1.35, 40]; // where the day has no two places to learn them from

const minuteOf = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

function momentOf(day, minute) {
  const whole = Math.round(minute * 60);
  const part = (seconds) => String(Math.floor(seconds)).padStart(2, "0");
  return `${day}T${part(whole / 3600)}:${part((whole % 3600) / 60)}:${part(whole % 60)}`;
}

// What ways are like between places that the day knows, for those it does not know.
class Ways {
  constructor({ places, minutes, km }) {
    const table = (rows) => rows.map((row) => row.map((value) => value ?? Infinity)); // null: there is no way
    [minutes, km] = [table(minutes), table(km)];
    Object.assign(this, { minutes, km });
    const [straight, long, took] = [[], [], []];
    places.forEach((one, i) => places.forEach((other, j) => {
      const air = straightKm(one, other);
      if (i === j || air < 0.05 || !Number.isFinite(minutes[i][j])) return;
      straight.push(air);
      long.push(km[i][j]);
      took.push(minutes[i][j]);
    }));
    const sum = (values) => values.reduce((all, value) => all + value, 0);
    this.detour = straight.length ? sum(long) / sum(straight) : USUAL_DETOUR;
    this.speed = straight.length && sum(took) ? (60 * sum(long)) / sum(took) : USUAL_SPEED;
  }

  // Each place: {lon, lat, known}, known being its row in the tables, or -1.
  leg(one, other) {
    if (one.known >= 0 && other.known >= 0) return { minutes: this.minutes[one.known][other.known], km: this.km[one.known][other.known] };
    const km = straightKm(one, other) * this.detour;
    return { km, minutes: (60 * km) / this.speed };
  }
}

// Whether the day on the phone holds what it takes: one that was kept by an older version of these pages does not.
export const canReplan = (route) => Boolean(route?.ways);

// The rest of `route` from `time` (HH:MM) on. from: the id of a customer of the day, a place {lon, lat}, or null for the
// day's begin. Returns a day as the service answers it.
export function replanned(route, { time, from, done, cancelled }) {
  const { ways, day } = route;
  const table = new Ways(ways);
  const rowOf = (id) => ways.customers.indexOf(id);
  const last = ways.places.length - 1;
  const here = typeof from === "string" && rowOf(from) >= 0 ? { ...ways.places[rowOf(from) + 1], known: rowOf(from) + 1 }
    : from ? { ...from, known: -1 } : { ...ways.places[0], known: 0 };
  const left = route.stops.filter(({ customer_id: id }) => !done.includes(id) && !cancelled.includes(id) && rowOf(id) >= 0);
  const places = [here, ...left.map(({ customer_id: id, lon, lat }) => ({ lon, lat, known: rowOf(id) + 1 })), { ...ways.places[last], known: last }];
  const legs = places.map((one) => places.map((other) => (one === other ? { minutes: 0, km: 0 } : table.leg(one, other))));
  const now = minuteOf(time);
  const driven = route.stops.filter(({ customer_id: id }) => done.includes(id)).reduce((sum, stop) => sum + stop.drive_minutes, 0);
  const isRested = route.pause && route.pause[1].slice(11, 16) <= time;
  const found = bestOrder({
    minutes: legs.map((row) => row.map(({ minutes }) => minutes)),
    service: left.map(({ minutes }) => minutes),
    windows: left.map(({ customer_id: id }) => ways.windows[rowOf(id)]),
    musts: left.map(({ must, appointment }) => must || appointment),
    from: now, until: ways.shift[1], pause: isRested ? null : ways.pause,
    maxDrive: ways.max_drive === null ? null : Math.max(0, ways.max_drive - driven),
  });
  return answered(route, left, places, legs, now, found, isRested ? null : ways.pause);
}

function answered(route, left, places, legs, now, { order, starts, pause, home, drive }, rest) {
  const { day } = route;
  const rows = [0, ...order.map((visit) => visit + 1), places.length - 1];
  let at = now;
  const stops = order.map((visit, i) => {
    const leg = legs[rows[i]][rows[i + 1]];
    const there = at + leg.minutes;
    const isPausedHere = pause !== null && pause >= there && pause < starts[i];
    const arrive = pause !== null && pause >= at && pause < there ? pause + rest[2] + leg.minutes : there;
    const wait = starts[i] - arrive - (isPausedHere ? rest[2] : 0);
    at = starts[i] + left[visit].minutes;
    return {
      ...left[visit], stop: i + 1, arrive: momentOf(day, arrive), start: momentOf(day, starts[i]), leave: momentOf(day, at),
      wait_minutes: Math.max(0, wait), drive_minutes: leg.minutes, drive_km: leg.km,
    };
  });
  const kept = new Set(order);
  const line = rows.map((row) => [places[row].lon, places[row].lat]);
  return {
    rep_id: route.rep_id, day, source: "replan", certificate: "by phone", is_estimate: route.is_estimate, reasons: [],
    stops, unvisited: left.filter((_, i) => !kept.has(i)).map(({ customer_id, name }) =>
      ({ customer_id, name, code: "no time", instead_of: [], overtime_minutes: null })),
    depart: momentOf(day, now), home: momentOf(day, home), pause: pause === null ? null : [momentOf(day, pause), momentOf(day, pause + rest[2])],
    drive_minutes: drive, drive_km: rows.slice(1).reduce((sum, row, i) => sum + legs[rows[i]][row].km, 0),
    begin: line[0], end: line.at(-1), legs: line.slice(1).map((place, i) => [line[i], place]), ways: route.ways,
  };
}
