// A proposal: before and after, every move with its reason, changes by hand whose totals follow at once, and its way on.

import { element } from "./elements.js";
import {
  all, ask, attempt, badge, button, byId, day, decimal, done, downloads, follow, get, hours, hush, link, localDay, me, moment, moveReason, newKey, number,
  onSubmit, openDialog, page, percent, planName, problemOf, progressBar, say, signedNumber, signedPercent, sureButton, toldProblem, Refused,
} from "./base.js";
import { Picker } from "./picking.js";
import { PlanMap, territoryName } from "./plan-map.js";
import { searchCustomers } from "./search.js";
import { Table } from "./table.js";

const base = `/v1/proposals/${page.proposal_id}`;
const portfolioBase = `/v1/portfolios/${page.portfolio_id}`;
const ROWS_REDRAWN_AFTER = 900;
const MOST_FAULTS = 5; // told at once
let plan;
let etag;
let map;
let picker;
let moves = [];
let chosen = []; // customers that the next change by hand is about
let totals = []; // what each territory holds now

const isEditable = () => plan.status === "ready";
const byHand = () => {
  if (isEditable()) return plan.can_undo ? say("by_hand_count", { count: plan.can_undo }) : say("by_hand_hint");
  return say(plan.status === "published" ? "change_published" : "reopen_to_change");
};
const nameOfCustomer = (i) => map.scene.customers.name[i] || map.scene.customers.id[i];
const calledById = (id) => map.scene.customers.name[map.scene.customers.id.indexOf(id)] || id;
const indexOf = (name) => map.scene.territories.findIndex((each) => each.name === name);

// ---- territories: totals with what has changed beside each number

const isOut = (row, measure) => Math.abs(row[`deviation_${measure}`]) > (plan.summary.tolerance?.[measure] ?? 1) + 1e-9;

function withChange(row, column, show, delta) {
  const today = row[`today_${column}`];
  if (today === undefined || today === null || row[column] === null) return show(row[column]);
  const change = row[column] - today;
  return element("span", { class: "changed" }, show(row[column]), element("small", {}, Math.abs(change) < 1e-9 ? "·" : delta(change)));
}

function warnings(row) {
  return [
    row.pieces > 1 ? element("small", { class: "bad line-of-its-own" }, say("in_pieces", { count: row.pieces })) : null,
    row.capacity_use > 1 ? element("small", { class: "bad line-of-its-own" }, say("over_capacity", { use: percent(row.capacity_use) })) : null,
  ];
}

const territoryTable = new Table(byId("territory-table"), [
  { key: "territory", label: say("territory"), show: (row) => [territoryName(map.scene, indexOf(row.territory)), warnings(row)] },
  { key: "customers", label: say("customers"), kind: "number", show: (row) => withChange(row, "customers", number, signedNumber) },
  { key: "deviation_potential", label: say("potential_off"), kind: "number", show: (row) => withChange(row, "deviation_potential", signedPercent, signedPercent), class: (row) => (isOut(row, "potential") ? "bad" : "") },
  { key: "deviation_workload", label: say("workload_off"), kind: "number", show: (row) => withChange(row, "deviation_workload", signedPercent, signedPercent), class: (row) => (isOut(row, "workload") ? "bad" : "") },
], { label: say("territories"), sort: { key: "deviation_potential", descending: true }, onRow: (row) => map.chooseTerritory(indexOf(row.territory)) });

// ---- moves

const moveTable = new Table(byId("move-table"), [
  { key: "name", label: say("customer"), show: (row) => button(row.name || row.customer_id, async () => chooseById(row.customer_id), { class: "as-link" }) },
  { key: "from", label: say("from") },
  { key: "to", label: say("to") },
  { key: "reason", label: say("reason"), class: () => "long", value: moveReason, show: moveReason },
  { key: "price", label: say("price"), kind: "number", show: (row) => decimal(row.price) },
  { key: "runner_up", label: say("runner_up"), show: (row) => row.runner_up || say("nobody") },
  { key: "decision", label: say("decision"), show: (row) => decisionButtons(row) },
], { label: say("moves"), empty: say("no_moves"), filter: (row) => `${row.name} ${row.customer_id} ${row.from} ${row.to} ${moveReason(row)}`, atOnce: 25 });

function decisionButtons(row) {
  if (!isEditable()) return row.decision === "open" ? "–" : badge(row.decision);
  const choice = (decision, text) => button(text, () => decide(row.customer_id, row.decision === decision ? "open" : decision), {
    "aria-pressed": String(row.decision === decision), class: `quiet choice ${decision}`, "aria-label": `${text}: ${row.name || row.customer_id}`,
  });
  return element("span", { class: "decisions" }, choice("accepted", say("accept")), choice("refused", say("refuse")));
}

async function decide(customerId, decision) {
  await edit("PUT", `${base}/moves/${encodeURIComponent(customerId)}`, { decision });
  const row = moves.find((each) => each.customer_id === customerId);
  row.decision = decision;
  own(customerId, decision === "refused" ? row.from : row.to);
  settle();
  moveTable.render();
  if (chosen.length) choose(chosen);
  done(say(`decided_${decision}`));
}

// ---- by hand

// Writes go one after the other, each on what the one before has left: a second click does not overtake the first.
let writing = Promise.resolve();
function write(method, path, asked = {}) {
  const turn = writing.then(async () => {
    const answer = await ask(method, path, { ...asked, match: etag });
    etag = answer.etag ?? etag;
    return answer;
  });
  writing = turn.catch(() => undefined);
  return turn;
}

// One step: the service answers with the new totals, which are shown at once; the borders follow a moment later.
async function edit(method, path, body) {
  try {
    const answer = await write(method, path, { body });
    plan = answer.content;
    showTotals(answer.content.territories);
    showSummary();
    return answer;
  } catch (error) {
    if (error instanceof Refused && error.status === 412) await refresh();
    throw error;
  }
}

function own(customerId, territory) {
  const { scene } = map;
  const i = scene.customers.id.indexOf(customerId);
  if (i < 0) return;
  const to = indexOf(territory);
  scene.customers.after[i] = to;
  const wasMoved = scene.isMoved[i];
  scene.isMoved[i] = scene.canCompare && scene.customers.before[i] >= 0 && scene.customers.before[i] !== to ? 1 : 0;
  scene.movedCount += scene.isMoved[i] - wasMoved;
  map.layer.redraw();
}

let settling = 0;
function settle(delay = ROWS_REDRAWN_AFTER) {
  clearTimeout(settling);
  settling = setTimeout(() => attempt(null, async () => {
    const asked = etag;
    const [scene, rows] = await Promise.all([get(`${base}/scene`), all(`${base}/moves`)]);
    if (asked !== etag) return settle(); // somebody was quicker than the drawing
    map.show(scene);
    picker.render();
    showMoves(rows);
    if (chosen.length) choose(chosen);
    return undefined;
  }), delay);
}

// Dropped on another territory: what was dragged becomes what is chosen, and goes there.
function drop(customers, territory) {
  choose(customers);
  return attempt(null, () => give(map.scene.territories[territory].name));
}

async function give(territory) {
  const { customers } = map.scene;
  const going = chosen.filter((i) => customers.after[i] !== indexOf(territory));
  const ids = going.map((i) => customers.id[i]);
  if (!ids.length) return;
  foresee(going, territory);
  ids.forEach((id) => own(id, territory));
  try {
    await edit("POST", `${base}/adjust`, { move: Object.fromEntries(ids.map((id) => [id, territory])) });
  } catch (error) {
    await refresh(); // what was foreseen did not come to pass
    throw error;
  }
  settle();
  choose(chosen);
  done(say("given", { count: ids.length, territory }));
}

// What the totals will be, shown before the service has measured them: potential exactly, workload but for driving.
function foresee(customers, territory) {
  const rows = new Map(totals.map((row) => [row.territory, { ...row }]));
  const { scene } = map;
  const sums = Object.fromEntries([["potential", "potential"], ["workload", "workload_minutes"]].map(([measure, column]) =>
    [measure, { column, all: totals.reduce((sum, row) => sum + row[column], 0) }]));
  for (const i of customers) {
    for (const [name, sign] of [[scene.territories[scene.customers.after[i]]?.name, -1], [territory, 1]]) {
      const row = rows.get(name);
      if (!row) continue;
      row.customers += sign;
      for (const [measure, { column, all: sum }] of Object.entries(sums)) {
        row[column] += sign * scene.customers[measure][i];
        row[`deviation_${measure}`] = row[column] / (row.share * sum) - 1;
      }
    }
  }
  showTotals([...rows.values()]);
}

async function lock(isLocking) {
  const { customers, locked } = map.scene;
  const ids = chosen.map((i) => customers.id[i]);
  await edit("POST", `${base}/adjust`, isLocking ? { lock: ids } : { unlock: ids });
  for (const i of chosen) locked[isLocking ? "add" : "delete"](i);
  choose(chosen);
  done(say(isLocking ? "is_locked" : "is_unlocked"));
}

async function step(which) {
  await edit("POST", `${base}/${which}`);
  settle(0);
  done(say(`${which}_done`));
}

for (const which of ["undo", "redo"]) byId(which).addEventListener("click", () => attempt(byId(which), () => step(which)));
byId("lasso").addEventListener("click", async ({ detail }) => {
  if (!detail) return picker.open(); // by keyboard: nothing to draw with, and the list does the same
  if (map.isBusy) return map.giveUp();
  byId("lasso").setAttribute("aria-pressed", "true");
  done(say(window.matchMedia("(pointer: coarse)").matches ? "lasso_hint_finger" : "lasso_hint"));
  const { found, isAdded } = await map.lasso();
  byId("lasso").setAttribute("aria-pressed", "false");
  if (found.length) choose(isAdded ? [...new Set([...chosen, ...found])] : found);
  return undefined;
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea, select") || !isEditable()) return;
  const key = event.key.toLowerCase();
  if (key === "z" || key === "y") {
    event.preventDefault();
    byId(key === "y" || event.shiftKey ? "redo" : "undo").click();
  }
});

// ---- the chosen customers

function chooseById(customerId) {
  const i = map.scene.customers.id.indexOf(customerId);
  if (i < 0) return;
  choose([i], true);
  byId("map").scrollIntoView({ block: "center" });
}

function choose(customers, zoom = false) {
  chosen = customers;
  const card = byId("card");
  const held = card.contains(document.activeElement) ? document.activeElement : null;
  card.hidden = !customers.length;
  map.choose(customers, { zoom });
  picker.mark(customers);
  if (!customers.length) return;
  card.replaceChildren(...(customers.length === 1 ? oneCustomer(customers[0]) : severalCustomers(customers)), giveForm());
  if (held) takeUp(card, held);
}

// What the keyboard was at has been drawn anew.
function takeUp(card, held) {
  const again = [...card.querySelectorAll(held.localName)].find((each) => each.textContent === held.textContent);
  if (held.localName === "select" && again) again.value = held.value;
  again?.focus();
}

function fact(key, value) {
  return [element("dt", {}, say(key)), element("dd", {}, value)];
}

function oneCustomer(i) {
  const { scene } = map;
  const { customers } = scene;
  const move = moves.find((each) => each.customer_id === customers.id[i]);
  const isMoving = scene.isMoved[i];
  return [
    element("h3", {}, nameOfCustomer(i)),
    element("dl", { class: "facts" },
      fact("id", customers.id[i]),
      scene.canCompare ? fact("today", territoryName(scene, customers.before[i])) : null,
      fact("in_this_plan", territoryName(scene, customers.after[i])),
      fact("potential", number(customers.potential[i])),
      fact("workload_hours", hours(customers.workload[i])),
      isMoving && move ? [fact("reason", moveReason(move)), fact("price", decimal(move.price)), fact("runner_up", move.runner_up || say("nobody"))] : null),
    scene.locked.has(i) ? element("p", { class: "soft" }, say("locked_here", { territory: scene.territories[customers.after[i]].name })) : "",
    move ? element("p", {}, decisionButtons(move)) : "",
  ];
}

function severalCustomers(customers) {
  const sum = (column) => customers.reduce((total, i) => total + map.scene.customers[column][i], 0);
  return [
    element("h3", {}, say("customers_chosen", { count: customers.length })),
    element("dl", { class: "facts" }, fact("potential", number(sum("potential"))), fact("workload_hours", hours(sum("workload")))),
  ];
}

function giveForm() {
  if (!isEditable()) return element("p", { class: "buttons" }, button(say("close"), async () => choose([])));
  const { scene } = map;
  const select = element("select", { "aria-label": say("give_to") }, scene.territories.map((each) => element("option", { value: each.name }, each.name)));
  const owner = scene.customers.after[chosen[0]];
  if (owner >= 0) select.value = scene.territories[owner].name;
  const card = byId("card");
  const lockedCount = chosen.filter((i) => scene.locked.has(i)).length;
  return element("div", {},
    element("label", { class: "give" }, say("give_to"), select),
    element("p", { class: "buttons" },
      button(say("give"), () => give(select.value), { class: "main" }),
      lockedCount < chosen.length ? button(say("lock"), () => lock(true)) : null,
      lockedCount ? button(say("unlock"), () => lock(false)) : null,
      button(say("close"), async () => { choose([]); card.hidden = true; })));
}

searchCustomers(() => map.scene.customers, (i) => choose([i], true));

// ---- figures

function showTotals(territories) {
  totals = territories;
  for (const row of territories) {
    const measured = map.scene.territories[indexOf(row.territory)]?.measures;
    if (measured) measured.after = { ...measured.after, ...row };
  }
  territoryTable.show(territories);
  map.layer.redraw();
}

// The largest deviation today, of those who have a territory today.
function todayWorst(measure) {
  const values = totals.map((row) => Math.abs(row[`today_deviation_${measure}`])).filter(Number.isFinite);
  return values.length ? Math.max(...values) : null;
}

function todayMeanKm() {
  const rows = totals.filter((row) => Number.isFinite(row.today_mean_km));
  const count = rows.reduce((sum, row) => sum + row.today_customers, 0);
  return count ? decimal(rows.reduce((sum, row) => sum + row.today_customers * row.today_mean_km, 0) / count) : null;
}

function tile(key, value, before = null, isGood = null) {
  return element("div", { class: "tile" }, element("dt", {}, say(key)),
    element("dd", { class: isGood === null ? "" : isGood ? "good" : "bad" }, before === null ? null : element("s", {}, `${before} → `), value));
}

function showSummary() {
  const { summary } = plan;
  byId("title").textContent = plan.name ? planName(plan.name) : say("unnamed", { moment: moment(plan.created_at) });
  document.title = byId("title").textContent;
  byId("subtitle").replaceChildren(badge(plan.status), ` ${say("made_from_alignment", { number: plan.base_number })} · ${moment(plan.created_at)}`);
  byId("undo").disabled = !plan.can_undo || !isEditable();
  byId("redo").disabled = !plan.can_redo || !isEditable();
  byId("lasso").disabled = !isEditable();
  byId("picking").hidden = !isEditable();
  byId("by-hand").textContent = byHand();
  const before = (measure) => (todayWorst(measure) === null ? null : percent(todayWorst(measure)));
  const isWithin = (measure) => summary[`max_deviation_${measure}`] <= summary.tolerance[measure] + 1e-9;
  byId("tiles").replaceChildren(
    tile("tile_potential", percent(summary.max_deviation_potential), before("potential"), isWithin("potential")),
    tile("tile_workload", percent(summary.max_deviation_workload), before("workload"), isWithin("workload")),
    tile("tile_moves", `${number(summary.moves)} (${percent(summary.moves / map.scene.count)})`),
    tile("column_mean_km", decimal(summary.mean_km), todayMeanKm()),
    tile("tile_gap", percent(summary.gap)));
  byId("verdict").replaceChildren(...verdict());
  byId("comment").elements.comment.value = plan.comment;
  actions();
}

function verdict() {
  const { summary } = plan;
  if (plan.problem) return [element("div", { class: "said" }, problemOf({ problem: plan.problem }))];
  const isWithin = ["potential", "workload"].every((m) => summary[`max_deviation_${m}`] <= summary.tolerance[m] + 1e-9);
  const text = say(isWithin ? "verdict_fair" : "verdict_unfair", { potential: percent(summary.tolerance.potential), workload: percent(summary.tolerance.workload) });
  const [relax, found] = [reasons(), faults()];
  return [element("div", { class: `verdict ${isWithin ? "fair" : "unfair"}` }, element("strong", {}, text),
    relax.length ? element("ul", {}, relax) : null,
    found.length > MOST_FAULTS
      ? element("details", {}, element("summary", {}, say("what_is_out", { count: found.length })), element("ul", {}, found))
      : found.length ? element("ul", {}, found) : null)];
}

// What the figures do not tell, as the library says it: which rules cannot be kept, and what to relax.
function reasons() {
  const rest = (plan.summary.reasons || []).filter((each) => !/, (potential|workload|pieces|capacity)$/.test(each.where));
  return rest.map((each) => element("li", {}, toldProblem(each)));
}

// What is wrong, from the figures.
function faults() {
  const told = totals.flatMap((row) => [
    ...["potential", "workload"].filter((measure) => isOut(row, measure)).map((measure) => say(`alert_${measure}`, { territory: row.territory, value: signedPercent(row[`deviation_${measure}`]) })),
    row.pieces > 1 ? say("alert_pieces", { territory: row.territory, count: number(row.pieces) }) : null,
    row.capacity_use > 1 ? say("alert_capacity", { territory: row.territory, use: percent(row.capacity_use) }) : null,
  ]).filter(Boolean);
  return told.map((text) => element("li", {}, text));
}

// ---- its way on

const STEPS = { submit: ["ready"], approve: ["ready", "submitted"], reject: ["submitted", "approved"], reopen: ["submitted", "approved", "rejected"] };

function actions() {
  const decides = me.role !== "planner";
  const box = byId("actions");
  const may = (name) => STEPS[name].includes(plan.status) && (decides || name === "submit" || name === "reopen");
  const made = Object.keys(STEPS).filter(may).map((name) =>
    button(say(name), () => handOn(name), { class: name === "submit" && !decides || name === "approve" ? "main" : "quiet" }));
  if (plan.status === "approved" && decides) {
    made.push(button(say("publish"), async () => {
      const form = byId("publish").querySelector("form");
      form.elements.effective_from.value ||= localDay(1);
      form.elements.comment.value ||= plan.comment;
      openDialog(byId("publish"));
    }, { class: "main" }));
  }
  if (plan.status !== "published") made.push(sureButton(say("remove"), say("remove_sure"), remove));
  box.replaceChildren(...made);
}

async function handOn(name) {
  const answer = await write("POST", `${base}/${name}`, { body: {} });
  plan = answer.content;
  showSummary();
  moveTable.render();
  choose(chosen);
  done(say(`done_${plan.status}`));
}

async function remove() {
  await write("DELETE", base);
  location.assign(`/portfolios/${page.portfolio_id}#proposals`);
}

onSubmit(byId("publish").querySelector("form"), async ({ effective_from: from, comment }) => {
  await write("POST", `${base}/publish`, { body: { effective_from: from.value, comment: comment.value }, key: newKey() });
  byId("publish").close();
  plan = { ...plan, status: "published" };
  showSummary();
  done(say("done_published", { day: day(from.value) }));
  await refresh();
});

onSubmit(byId("comment"), async ({ comment }) => {
  const answer = await write("PATCH", base, { body: { comment: comment.value } });
  plan = { ...plan, ...answer.content };
  done(say("saved"));
});

byId("steps").closest("details").addEventListener("toggle", ({ target }) => target.open && attempt(null, async () => {
  const { items } = await get(`${base}/steps`);
  byId("steps").replaceChildren(...items.map((each) => element("li", { class: each.number > plan.can_undo ? "soft" : "" },
    `${moment(each.made_at)} · ${stepText(each)}`)));
}));

function stepText(each) {
  const moved = Object.entries(each.move || {});
  if (each.action === "proposed") return say("step_proposed");
  if (each.customer_id) return say(`step_${each.action}`, { customer: calledById(each.customer_id) });
  const named = (ids) => (ids.length === 1 ? calledById(ids[0]) : say("dragged", { count: number(ids.length) }));
  return [
    moved.length ? say("step_given", { customers: named(moved.map(([id]) => id)), territory: moved[0][1] }) : null,
    each.lock?.length ? say("step_locked", { customers: named(each.lock) }) : null,
    each.unlock?.length ? say("step_unlocked", { customers: named(each.unlock) }) : null,
  ].filter(Boolean).join(" · ");
}

// ---- the page

function showMoves(rows) {
  moves = rows;
  byId("move-count").textContent = number(rows.filter((row) => row.decision !== "refused").length);
  moveTable.show(rows);
}

async function refresh() {
  const answer = await ask("GET", base);
  etag = answer.etag;
  plan = answer.content;
  const [scene, territories, rows] = await Promise.all([get(`${base}/scene`), all(`${base}/territories`), all(`${base}/moves`)]);
  if (map) {
    map.show(scene);
    picker.render();
  } else {
    byId("ready").hidden = false;
    map = new PlanMap(scene, {
      customer: (i, isAdded) => choose(!isAdded ? [i] : chosen.includes(i) ? chosen.filter((each) => each !== i) : [...chosen, i]),
      territory: (i) => { choose([]); map.chooseTerritory(i); },
      drop,
    });
    map.canDrag = isEditable;
    picker = new Picker(map, { chosen: (customers) => choose(customers) });
  }
  showMoves(rows);
  showTotals(territories);
  showSummary();
}

async function making() {
  const box = byId("making");
  byId("title").textContent = plan.name || say("proposal");
  byId("subtitle").replaceChildren(badge(plan.status));
  if (plan.status !== "planning") {
    box.replaceChildren(element("div", { class: "said" }, problemOf({ problem: plan.problem || { title: say(`status_${plan.status}`) } })));
    byId("actions").replaceChildren(sureButton(say("remove"), say("remove_sure"), remove), link(`/portfolios/${page.portfolio_id}#rebalance`, say("rebalance_again"), { class: "main" }));
    return;
  }
  const { box: bar, tell } = progressBar(plan.job);
  box.replaceChildren(element("div", { class: "empty-state" }, element("p", {}, say("is_planned")), bar));
  await follow(plan.job, tell);
  await open();
}

async function open() {
  const answer = await ask("GET", base);
  plan = answer.content;
  etag = answer.etag;
  if (!["ready", "submitted", "approved", "rejected", "published"].includes(plan.status)) return making();
  byId("making").replaceChildren();
  hush();
  await refresh();
  downloads(base);
  byId("to-map").href = `${base}/map?language=${page.language}`;
  return undefined;
}

attempt(null, async () => {
  const portfolio = get(portfolioBase).then(({ name }) => {
    byId("crumb").textContent = name;
    byId("crumb").href = `/portfolios/${page.portfolio_id}`;
  });
  await Promise.all([portfolio, open()]);
});
