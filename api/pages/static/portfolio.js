// Today's territories, what is wrong with them, asking for something better, and what has held.

import { element } from "./elements.js";
import {
  all, ask, attempt, badge, button, byId, comparisonName, day, decimal, done, downloads, fillTolerance, follow, get, hasWord, hours, link, localDay, me, moment,
  moveReason, newKey, number, offerTravels, onSubmit, openDialog, page, percent, planName, planParameters, problemOf, progressBar, say, signedPercent,
} from "./base.js";
import { PlanMap, territoryName } from "./plan-map.js";
import { searchCustomers } from "./search.js";
import { Table } from "./table.js";

const base = `/v1/portfolios/${page.portfolio_id}`;
let portfolio;
let etag;
let locks = {};
let map;

const out = (row, measure) => (Math.abs(row[`deviation_${measure}`]) > tolerance(measure) + 1e-9 ? "bad" : "");
const tolerance = (measure) => portfolio.facts.rules?.tolerance?.[measure] ?? portfolio.facts.rules?.tolerance ?? 0.05;
const indexOf = (name) => map.scene.territories.findIndex((each) => each.name === name);

const territoryTable = new Table(byId("territory-table"), [
  { key: "territory", label: say("territory"), show: (row) => territoryName(map.scene, indexOf(row.territory)) },
  { key: "rep_id", label: say("rep"), show: (row) => map.scene.territories[indexOf(row.territory)]?.rep || row.rep_id || say("vacant") },
  { key: "customers", label: say("customers"), kind: "number", show: (row) => number(row.customers) },
  { key: "index_potential", label: say("index_potential"), kind: "number", show: (row) => number(row.index_potential), class: (row) => out(row, "potential") },
  { key: "deviation_potential", label: say("potential_off"), kind: "number", show: (row) => signedPercent(row.deviation_potential), class: (row) => out(row, "potential") },
  { key: "index_workload", label: say("index_workload"), kind: "number", show: (row) => number(row.index_workload), class: (row) => out(row, "workload") },
  { key: "deviation_workload", label: say("workload_off"), kind: "number", show: (row) => signedPercent(row.deviation_workload), class: (row) => out(row, "workload") },
  { key: "workload_minutes", label: say("hours_a_year"), kind: "number", show: (row) => hours(row.workload_minutes) },
  { key: "capacity_use", label: say("capacity_use"), kind: "number", show: (row) => percent(row.capacity_use), class: (row) => (row.capacity_use > 1 ? "bad" : "") },
  { key: "pieces", label: say("pieces"), kind: "number", show: (row) => number(row.pieces), class: (row) => (row.pieces > 1 ? "bad" : "") },
  { key: "mean_km", label: say("mean_km"), kind: "number", show: (row) => decimal(row.mean_km) },
], { label: say("territories"), filter: (row) => row.territory, sort: { key: "index_potential", descending: true }, onRow: (row) => map.chooseTerritory(indexOf(row.territory)) });

const proposalTable = new Table(byId("proposal-table"), [
  { key: "name", label: say("name"), show: (row) => link(`/proposals/${row.proposal_id}`, row.name ? planName(row.name) : say("unnamed", { moment: moment(row.created_at) })) },
  { key: "status", label: say("status"), show: (row) => badge(row.status) },
  { key: "moved", label: say("moves"), kind: "number", value: (row) => row.summary.moves, show: (row) => number(row.summary.moves) },
  { key: "potential", label: say("potential_off"), kind: "number", value: (row) => row.summary.max_deviation_potential, show: (row) => percent(row.summary.max_deviation_potential) },
  { key: "workload", label: say("workload_off"), kind: "number", value: (row) => row.summary.max_deviation_workload, show: (row) => percent(row.summary.max_deviation_workload) },
  { key: "gap", label: say("gap"), kind: "number", value: (row) => row.summary.gap, show: (row) => percent(row.summary.gap) },
  { key: "base_number", label: say("made_from"), kind: "number" },
  { key: "created_at", label: say("asked_at"), show: (row) => moment(row.created_at), kind: "number" },
], { label: say("proposals"), empty: say("no_proposals"), sort: { key: "created_at", descending: true }, atOnce: 10 });

const moveColumns = [
  { key: "name", label: say("customer"), show: (row) => row.name || row.customer_id },
  { key: "customer_id", label: say("id") },
  { key: "from", label: say("from") },
  { key: "to", label: say("to") },
];
const differenceTable = new Table(byId("difference-table"), moveColumns, { label: say("difference"), empty: say("no_difference"), filter: (row) => `${row.name} ${row.customer_id} ${row.from} ${row.to}`, atOnce: 20 });
const handoverTable = new Table(byId("handover-table"), [
  ...moveColumns,
  { key: "from_rep", label: say("from_rep"), show: (row) => row.from_rep || say("vacant") },
  { key: "to_rep", label: say("to_rep"), show: (row) => row.to_rep || say("vacant") },
  { key: "potential", label: say("potential"), kind: "number", show: (row) => number(row.potential) },
  { key: "reason", label: say("reason"), class: () => "long", value: moveReason, show: moveReason },
], { label: say("handovers"), empty: say("no_handovers"), filter: (row) => Object.values(row).join(" "), atOnce: 20 });

// What the service itself wrote beside a version, in the reader's language.
function versionComment(text) {
  const back = /^back to alignment (\d+)$/.exec(text);
  if (back) return say("back_to_version", { number: back[1] });
  return text === "as uploaded" ? say(text) : text || "–";
}

const historyTable = new Table(byId("history-table"), [
  { key: "number", label: say("number"), kind: "number" },
  { key: "effective_from", label: say("effective_from"), show: (row) => day(row.effective_from) },
  { key: "comment", label: say("comment"), show: (row) => versionComment(row.comment) },
  { key: "moved", label: say("moves"), kind: "number", show: (row) => number(row.moved) },
  { key: "proposal_id", label: say("proposal"), show: (row) => (row.proposal_id ? link(`/proposals/${row.proposal_id}`, say("open")) : "–") },
  { key: "published_at", label: say("published_at"), kind: "number", show: (row) => moment(row.published_at) },
  { key: "act", label: say("revert"), kind: "act", show: (row) => (row.number < portfolio.number && me.role !== "planner" ? button(say("revert"), () => askRevert(row)) : "") },
], { label: say("history"), atOnce: 10 });

const challengeTable = new Table(byId("challenge-table"), [
  { key: "customer_id", label: say("customer"), show: (row) => button(nameOf(row.customer_id), () => chooseById(row.customer_id), { class: "as-link" }) },
  { key: "territory", label: say("territory") },
  { key: "note", label: say("note") },
  { key: "price", label: say("price_of_keeping"), kind: "number", show: (row) => (row.price === null ? "–" : decimal(row.price)) },
  { key: "status", label: say("status"), show: (row) => badge(row.status) },
  { key: "act", label: say("answer"), kind: "act", show: (row) => answerForm(row) },
], { label: say("challenges"), empty: say("no_challenges"), atOnce: 10 });

function nameOf(customerId) {
  const index = map.scene.customers.id.indexOf(customerId);
  return index < 0 ? customerId : map.scene.customers.name[index] || customerId;
}

function territoryOf(customerId) {
  const { customers, territories } = map.scene;
  return territories[customers.before[customers.id.indexOf(customerId)]]?.name;
}

function chooseById(customerId) {
  const index = map.scene.customers.id.indexOf(customerId);
  if (index >= 0) {
    chooseCustomer(index, true);
    byId("map").scrollIntoView({ block: "center" });
  }
}

function answerForm(row) {
  if (row.status !== "open") return element("div", {}, row.answer || "–", row.status === "accepted" ? giveBackOffer(row) : null);
  const text = element("input", { type: "text", maxlength: "2000", placeholder: say("answer"), "aria-label": say("answer") });
  const answer = (status) => async () => {
    await ask("PATCH", `/v1/challenges/${row.challenge_id}`, { body: { status, answer: text.value }, match: `"${row.revision}"` });
    await showChallenges();
    done(say(status === "accepted" ? "accepted_not_moved_yet" : "answered"));
  };
  return element("span", { class: "inline" }, text, button(say("accept"), answer("accepted")), button(say("refuse"), answer("refused")));
}

// An answer moves nobody: where the customer is not with the rep who asked for it, a proposal has to bring it there.
function giveBackOffer(row) {
  const now = territoryOf(row.customer_id);
  if (!row.territory || now === undefined || now === row.territory) return null;
  return element("div", {},
    element("p", { class: "soft small" }, say("accepted_not_moved", { now, territory: row.territory })),
    button(say("make_that_proposal"), () => proposeBack(row)));
}

async function proposeBack({ customer_id: id, territory }) {
  const name = say("back_in_territory", { customer: nameOf(id), territory });
  const body = { ...planParameters(rebalance.querySelector("form").elements), name, max_moved: 0 };
  const { content } = await ask("POST", `${base}/proposals`, { body, key: newKey() });
  done(say("is_planned"));
  await follow(content.job, () => {});
  const path = `/v1/proposals/${content.proposal_id}`;
  const made = await ask("GET", path);
  if (made.content.status === "ready") await ask("POST", `${path}/adjust`, { body: { unlock: [id], move: { [id]: territory }, lock: [id] }, match: made.etag });
  location.assign(`/proposals/${content.proposal_id}`);
}

async function showChallenges() {
  challengeTable.show((await get(`${base}/challenges`)).items);
}

// ---- customers and locks

function chooseCustomer(index, zoom = false) {
  map.choose([index], { zoom });
  const { customers } = map.scene;
  const id = customers.id[index];
  const isLocked = id in locks;
  const card = byId("card");
  card.hidden = false;
  card.replaceChildren(
    element("h3", {}, customers.name[index] || id),
    element("dl", { class: "facts" },
      fact("id", id), fact("territory", territoryName(map.scene, customers.before[index])),
      fact("potential", number(customers.potential[index])), fact("workload_hours", hours(customers.workload[index])),
      fact("visits_a_year", number(customers.visits[index]))),
    isLocked ? element("p", { class: "soft" }, say("locked_here", { territory: territoryOf(id) ?? say("nobody") })) : "",
    element("p", { class: "buttons" },
      button(isLocked ? say("unlock") : say("lock"), () => setLock(id, !isLocked, index)),
      button(say("close"), async () => {
        card.hidden = true;
        map.choose([]);
      })));
}

searchCustomers(() => map.scene.customers, (i) => chooseCustomer(i, true));

function fact(key, value) {
  return [element("dt", {}, say(key)), element("dd", {}, value)];
}

async function setLock(id, isLocking, index) {
  const answer = await ask("PATCH", `${base}/locks`, { body: isLocking ? { lock: [id] } : { unlock: [id] }, match: etag });
  etag = answer.etag;
  showLocks(answer.content.locks);
  if (index !== undefined) chooseCustomer(index);
  done(say(isLocking ? "is_locked" : "is_unlocked"));
}

function showLocks(now) {
  locks = now;
  const ids = Object.keys(locks);
  byId("lock-count").textContent = ids.length;
  byId("locked-told").textContent = say("locked_stay", { count: ids.length });
  byId("lock-list").replaceChildren(...ids.slice(0, 100).map((id) => element("li", {},
    button(nameOf(id), async () => chooseById(id), { class: "as-link" }), " ", element("span", { class: "soft" }, locks[id] ?? ""), " ",
    button(say("unlock"), () => setLock(id, false)))));
}

// ---- the page

const ALERTS_AT_ONCE = 16;

function showAlerts(alerts, shown = ALERTS_AT_ONCE) {
  byId("alert-count").textContent = alerts.length;
  byId("alerts").replaceChildren(...(alerts.length
    ? alerts.slice(0, shown).map((alert) => element("li", {},
      button(alertText(alert), async () => map.chooseTerritory(indexOf(alert.territory)), { class: "as-link" }),
      alert.since ? element("small", {}, ` ${say("since", { day: day(alert.since) })}`) : null))
    : [element("li", { class: "good" }, say("no_alerts"))]));
  const more = alerts.length - shown;
  if (more > 0) byId("alerts").append(element("li", {}, button(say("show_more_of", { count: more, all: alerts.length }), async () => showAlerts(alerts, alerts.length))));
}

// The library says it in English; the figures are the same in every language.
function alertText(alert) {
  const key = `alert_${alert.measure}`;
  return hasWord(key)
    ? say(key, { territory: alert.territory ?? "", value: signedPercent(alert.value), use: percent(alert.value), count: number(alert.value) })
    : (page.language === "zh" && alert.message_zh) || alert.message;
}

function showHistory(versions) {
  historyTable.show(versions);
  showWhatHolds(versions);
  const options = () => versions.map((each) => element("option", { value: each.number }, `${each.number} · ${day(each.effective_from)}`));
  const form = byId("difference");
  const plans = proposalTable.rows.filter((row) => row.summary.moves !== undefined).map((row) =>
    element("option", { value: row.proposal_id }, row.name ? planName(row.name) : say("unnamed", { moment: moment(row.created_at) })));
  form.elements.before.replaceChildren(...options());
  form.elements.after.replaceChildren(...options(), ...(plans.length ? [element("optgroup", { label: say("proposals") }, plans)] : []));
  form.elements.before.value = versions[1]?.number ?? versions[0].number;
  if (versions.length === 1 && plans.length) form.elements.after.value = plans[0].value;
  form.hidden = versions.length + plans.length < 2;
}

// What is shown is the latest version, though its day may still be to come.
function showWhatHolds(versions) {
  const [latest] = versions;
  const now = versions.find((each) => each.effective_from <= localDay()) ?? versions.at(-1);
  byId("holds-from").hidden = now === latest;
  byId("holds-from").textContent = say("holds_from", { shown: latest.number, day: day(latest.effective_from), now: now.number });
}

// ---- what changes hands: of everybody, or the list that one rep takes along

async function showHandovers(repId = "") {
  const query = repId ? `?rep_id=${encodeURIComponent(repId)}` : "";
  const rows = await all(`${base}/handovers${query}`);
  handoverTable.show(rows);
  byId("handover-told").textContent = !repId ? "" : say("gives_and_takes", {
    gives: number(rows.filter((row) => (row.from_rep_id || "").split(";").includes(repId)).length),
    takes: number(rows.filter((row) => (row.to_rep_id || "").split(";").includes(repId)).length),
  });
  byId("handover-downloads").replaceChildren(...["xlsx", "csv"].map((format) =>
    link(`${base}/handovers${query}${query ? "&" : "?"}f=${format}`, say(`download_${format}`), { class: "quiet", download: `handovers${repId && `-${repId}`}.${format}` })));
}

function offerReps(reps) {
  const select = byId("handover-rep");
  const chosen = select.value;
  select.replaceChildren(element("option", { value: "" }, say("every_rep")), ...reps.map((each) =>
    element("option", { value: each.rep_id }, each.name ? `${each.rep_id} · ${each.name}` : each.rep_id)));
  select.value = chosen;
}

byId("handover-rep").addEventListener("change", ({ target }) => attempt(null, () => showHandovers(target.value)));

// ---- plans side by side that were made before

function showFronts(comparisons) {
  const made = comparisons.filter((each) => each.status !== "failed" && each.status !== "cancelled").slice(0, 8);
  byId("fronts").hidden = !made.length;
  byId("front-list").replaceChildren(...made.map((each) => element("li", {},
    link(`/comparisons/${each.comparison_id}`, comparisonName(each)), " ",
    element("span", { class: "soft" }, moment(each.created_at)), each.status === "planning" ? [" ", badge("planning")] : null)));
}

onSubmit(byId("difference"), async ({ before, after }) => {
  differenceTable.show(await all(`${base}/difference?before=${before.value}&after=${after.value}`));
});

function askRevert(version) {
  const dialog = byId("revert");
  dialog.version = version;
  byId("revert-title").textContent = say("revert_to", { number: version.number });
  dialog.querySelector("form").elements.effective_from.value = localDay(1);
  openDialog(dialog);
}

onSubmit(byId("revert").querySelector("form"), async ({ effective_from: from, comment }) => {
  const { number: to } = byId("revert").version;
  await ask("POST", `${base}/revert`, { body: { number: to, effective_from: from.value, comment: comment.value }, match: etag, key: newKey() });
  byId("revert").close();
  done(say("reverted", { number: to, day: day(from.value) }));
  await open();
});

const keptTerritories = () => [...byId("kept-territories").querySelectorAll("input:checked")].map((box) => box.value);

function offerToKeep(rows) {
  const kept = new Set(keptTerritories());
  byId("kept-territories").replaceChildren(...rows.map(({ territory }) => element("label", { class: "tick" },
    element("input", { type: "checkbox", value: territory, checked: kept.has(territory) }), ` ${territory}`)));
}

byId("kept-territories").addEventListener("change", () => {
  byId("kept-count").textContent = keptTerritories().length || "";
});

const rebalance = byId("rebalance");
byId("open-rebalance").addEventListener("click", () => openDialog(rebalance));
// Several to choose from differ in how many move, and start from today's territories; from scratch anybody may move.
rebalance.querySelector("form").addEventListener("input", ({ currentTarget: { elements } }) => {
  const areSeveral = Number(elements.count.value) > 1;
  for (const name of ["name", "territories"]) elements[name].disabled = areSeveral;
  elements.max_moved.disabled = areSeveral || elements.territories.value !== "";
});
onSubmit(rebalance.querySelector("form"), async (fields) => {
  const body = planParameters(fields);
  const count = Number(fields.count.value);
  if (fields.max_moved.disabled) delete body.max_moved;
  if (count > 1) {
    const { content } = await ask("POST", `${base}/fronts`, { body: { ...body, count, keep: keptTerritories() }, key: newKey() });
    location.assign(`/comparisons/${content.comparison_id}`);
    return;
  }
  const territories = fields.territories.value === "" ? null : Number(fields.territories.value);
  const keep = territories === null ? keptTerritories() : [];
  const { content } = await ask("POST", `${base}/proposals`, { body: { ...body, name: fields.name.value, territories, keep }, key: newKey() });
  location.assign(`/proposals/${content.proposal_id}`);
});

function head() {
  byId("title").textContent = portfolio.name;
  document.title = portfolio.name;
  const { facts } = portfolio;
  byId("subtitle").textContent = [
    portfolio.region === "*" ? null : portfolio.region,
    facts.customers === undefined ? null : say("facts_line", { customers: number(facts.customers), reps: number(facts.reps) }),
    facts.unplaced ? say("unplaced_count", { count: number(facts.unplaced) }) : null,
  ].filter(Boolean).join(" · ");
}

async function reading() {
  const box = byId("reading");
  if (portfolio.status !== "reading") {
    box.replaceChildren(element("div", { class: "said" }, element("h2", {}, say(portfolio.status === "failed" ? "could_not_be_read" : "status_cancelled")), problemOf({ problem: portfolio.problem || {} })),
      element("p", {}, link("/portfolios", say("bring_in_again"))));
    return;
  }
  const { box: bar, tell } = progressBar(portfolio.job);
  box.replaceChildren(element("div", { class: "empty-state" }, element("p", {}, say("is_read")), bar));
  await follow(portfolio.job, tell);
  await open();
}

async function open() {
  const answer = await ask("GET", base);
  portfolio = answer.content;
  etag = answer.etag;
  head();
  if (portfolio.status !== "ready") return reading();
  byId("reading").replaceChildren();
  byId("ready").hidden = false;
  byId("actions").hidden = false;
  byId("to-days").href = `/portfolios/${page.portfolio_id}/days`;
  byId("to-scenarios").href = `/portfolios/${page.portfolio_id}/scenarios`;
  byId("to-data").href = `/portfolios/${page.portfolio_id}/data`;
  byId("to-map").href = `${base}/map?language=${page.language}`;
  const form = rebalance.querySelector("form");
  fillTolerance(form, portfolio.facts.rules);
  offerTravels(form.elements.travel, portfolio.travels);
  downloads(base);
  const scene = await get(`${base}/scene`);
  if (map) map.show(scene);
  else map = new PlanMap(scene, { customer: chooseCustomer, territory: (index) => map.chooseTerritory(index) });
  const rest = [
    all(`${base}/territories`).then((rows) => {
      territoryTable.show(rows);
      offerToKeep(rows);
    }),
    all(`${base}/alerts`).then(showAlerts),
    get(`${base}/locks`).then((told) => showLocks(told.locks)),
    Promise.all([all(`${base}/proposals`, 1000), get(`${base}/alignments`)]).then(([rows, { items }]) => {
      proposalTable.show(rows);
      showHistory(items);
    }),
    get(`${base}/comparisons`).then(({ items }) => showFronts(items)),
    showChallenges(),
    all(`${base}/reps`).then(offerReps),
    showHandovers(byId("handover-rep").value),
  ];
  return Promise.all(rest);
}

attempt(null, async () => {
  await open();
  if (portfolio.status !== "ready") return;
  if (location.hash === "#rebalance") openDialog(rebalance);
  // What stands above the section that an address names is there only now.
  else byId(location.hash.slice(1))?.scrollIntoView();
});
