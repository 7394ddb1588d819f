// The best order of the visits that are left, on the phone itself: what the service does with roads and proofs, for a valley.
//
// Dynamic programming over sets of visits (Held and Karp 1962, Journal of the SIAM 10(1)), with windows and a pause: of
// all ways to have made the same visits and to stand at the same place, those are kept that are not later and longer
// than another. Exact up to about a dozen visits; beyond, only the earliest of each size are gone on with.

const MOST_KEPT = 12000;
const MOST_VISITS = 30;

// minutes: (n + 2) x (n + 2), from row to column: here, the visits, the day's end. service: n minutes of each visit.
// windows: n lists of [open, close] for its beginning, in minutes since midnight. musts: n booleans. from, until: when the
// rest of the day begins and ends. pause: [earliest, latest, minutes] or null. maxDrive: minutes, or null.
// Returns {order, starts, pause, home, drive}: as many musts as can be, then as many visits, then the least driving.
export function bestOrder(asked) {
  const { minutes, service, from } = asked;
  const count = Math.min(service.length, MOST_VISITS);
  const isOver = !asked.pause || from > asked.pause[1];
  let labels = [{ at: 0, time: from, drive: 0, mask: 0, musts: 0, visits: 0, hasPaused: isOver, before: null }];
  let best = null;
  while (labels.length) {
    for (const label of labels) best = better(best, atHome(label, asked));
    const next = new Map();
    for (const label of labels) {
      for (let visit = 0; visit < count; visit++) {
        if (label.mask & (1 << visit)) continue;
        for (const made of goOn(label, visit, asked)) keep(next, made);
      }
    }
    labels = [...next.values()].flat();
    if (labels.length > MOST_KEPT) labels = labels.sort((a, b) => a.time - b.time).slice(0, MOST_KEPT);
  }
  return told(best ?? { label: labelOfNow(asked), home: from + minutes[0].at(-1), drive: minutes[0].at(-1), pause: null });
}

const labelOfNow = ({ from }) => ({ at: 0, time: from, drive: 0, visits: 0, musts: 0, before: null });

// The ways to make one more visit: without a pause, or with it on the way, as soon as it may begin.
function goOn(label, visit, { minutes, service, windows, musts, pause, maxDrive }) {
  const leg = minutes[label.at][visit + 1];
  const drive = label.drive + leg;
  if (!Number.isFinite(leg) || (maxDrive !== null && drive > maxDrive)) return [];
  const begins = (arrival, hasPaused, paused = null) => {
    const window = windows[visit].find(([, close]) => arrival <= close + 1e-9);
    if (!window) return null;
    const start = Math.max(arrival, window[0]);
    return {
      at: visit + 1, time: start + service[visit], drive, mask: label.mask | (1 << visit), visits: label.visits + 1,
      musts: label.musts + (musts[visit] ? 1 : 0), hasPaused, start, pause: paused, before: label,
    };
  };
  const made = [begins(label.time + leg, label.hasPaused)];
  if (!label.hasPaused) {
    const [earliest, latest, long] = pause;
    const paused = Math.max(label.time, earliest);
    if (paused <= latest) made.push(begins(Math.max(label.time + leg, earliest) + long, true, paused));
  }
  return made.filter(Boolean);
}

// The day as it ends from here; null when it ends too late, or without the pause that it needs.
function atHome(label, { minutes, until, pause, maxDrive }) {
  const leg = minutes[label.at].at(-1);
  const drive = label.drive + leg;
  if (maxDrive !== null && drive > maxDrive) return null;
  let home = label.time + leg;
  let paused = null;
  if (!label.hasPaused && home > pause[1]) {
    paused = Math.max(label.time, pause[0]);
    if (paused > pause[1]) return null;
    home += pause[2];
  }
  return home <= until + 1e-9 ? { label, home, drive, pause: paused } : null;
}

function better(one, other) {
  if (!one || !other) return one ?? other;
  const by = other.label.musts - one.label.musts || other.label.visits - one.label.visits
    || (Math.abs(one.drive - other.drive) > 1e-9 ? one.drive - other.drive : one.home - other.home);
  return by > 0 ? other : one;
}

function keep(labels, made) {
  const key = (made.mask * 2 + (made.hasPaused ? 1 : 0)) * 64 + made.at;
  const known = labels.get(key) ?? [];
  if (known.some(({ time, drive }) => time <= made.time && drive <= made.drive)) return;
  labels.set(key, [...known.filter(({ time, drive }) => time < made.time || drive < made.drive), made]);
}

function told({ label, home, drive, pause }) {
  const steps = [];
  for (let each = label; each.before; each = each.before) steps.unshift(each);
  return {
    order: steps.map(({ at }) => at - 1), starts: steps.map(({ start }) => start),
    pause: pause ?? steps.find((step) => step.pause !== null)?.pause ?? null, home, drive,
  };
}
