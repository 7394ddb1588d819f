// What would be if: build it from changes, keep it, and run several side by side.

import { element } from "./elements.js";
import {
  all, ask, attempt, badge, button, byId, comparisonName, done, fillTolerance, get, hasWord, link, moment, newKey, number, offerTravels, onSubmit, page, percent,
  planParameters, say, signedPercent, sureButton,
} from "./base.js";
import { isTyped, typedPlace } from "./places.js";
import { PlanMap } from "./plan-map.js";
import { RULES, entriesOf, entryName, fromField, ruleName, toField, toldRules, toldValue, valueOf } from "./rules.js";

const base = `/v1/portfolios/${page.portfolio_id}`;
let portfolio;
let reps = [];
let changes = [];
let edited = null; // the what-if that is being changed; a new one when null
let map;

const rep = () => ({ name: "rep_id", label: say("rep"), options: () => reps.map((each) => [each.rep_id, each.name ? `${each.rep_id} · ${each.name}` : each.rep_id]) });
const text = (name, key, more = {}) => ({ name, label: say(key), type: "text", ...more });
const figure = (name, key, more = {}) => ({ name, label: say(key), type: "number", step: "any", ...more });
const home = () => text("at", "home_at", { required: true, placeholder: say("home_hint"), isPlace: true });

// Everybody, a tier or a segment: "tier:A" as a filter of /v1.
function whom(first) {
  const { tiers = ["A", "B", "C", "D"], segments = [] } = portfolio.facts;
  return [["", first], ...tiers.map((tier) => [`tier:${tier}`, say("tier_only", { tier })]), ...segments.map((name) => [`segment:${name}`, say("segment_only", { name })])];
}

function where(told) {
  const at = told.indexOf(":");
  return at < 0 ? {} : { [told.slice(0, at)]: told.slice(at + 1) };
}

const place = (told) => typedPlace(told) ?? { customer_id: told };

// kind -> its fields, and the change that /v1 wants of their values
const KINDS = {
  rep_leaves: { fields: () => [rep()], make: (given) => ({ rep_id: given.rep_id }) },
  rep_joins: {
    fields: () => [text("rep_id", "new_rep_id", { required: true }), home(), figure("share", "share_percent", { min: 1, max: 100, value: 100 }), text("territory", "territory_optional")],
    make: (given) => ({ rep_id: given.rep_id, ...place(given.at), share: given.share / 100, ...(given.territory ? { territory: given.territory } : {}) }),
  },
  rep_moves: { fields: () => [rep(), home()], make: (given) => ({ rep_id: given.rep_id, ...place(given.at) }) },
  rep_part_time: { fields: () => [rep(), figure("share", "share_percent", { min: 1, max: 100, value: 50 })], make: (given) => ({ rep_id: given.rep_id, share: given.share / 100 }) },
  scaled: {
    fields: () => [
      { name: "column", label: say("what_grows"), options: () => [["potential", say("potential")], ["visits_per_year", say("visits_a_year")], ["minutes_per_visit", say("minutes_per_visit")]] },
      figure("percent", "by_percent", { min: -100, max: 1000, value: 15 }), { name: "whom", label: say("of_whom"), options: () => whom(say("all_customers")) },
    ],
    make: (given) => ({ column: given.column, factor: Number((1 + given.percent / 100).toFixed(6)), where: where(given.whom) }),
  },
  rules: {
    fields: () => [
      { name: "rule", label: say("rule"), options: () => Object.keys(RULES).filter((rule) => portfolio.facts.rules?.[rule] !== undefined).map((rule) => [rule, ruleName(rule)]) },
      { name: "entry", label: say("for_whom"), options: () => [] }, figure("value", "value", { required: true }),
    ],
    make: ({ rule, entry, value }) => {
      const told = fromField(rule, Number(value));
      const entries = entriesOf(portfolio.facts.rules, rule);
      if (entries[0] === null) return { rules: { [rule]: told } };
      return { rules: { [rule]: Object.fromEntries((entry ? [entry] : entries).map((key) => [key, told])) } };
    },
  },
  territories: { fields: () => [figure("count", "territories_count", { required: true, min: 1, max: 5000, step: 1, value: portfolio.facts.territories?.length })], make: (given) => ({ count: Number(given.count) }) },
  customers_leave: {
    fields: () => [text("customer_ids", "customer_ids"), { name: "whom", label: say("or_all_of"), options: () => whom(say("nobody_else")) }],
    make: (given) => ({ customer_ids: given.customer_ids.split(/[\s,;，；]+/).filter(Boolean), where: where(given.whom) }),
  },
};

byId("kind").replaceChildren(...Object.keys(KINDS).map((kind) => element("option", { value: kind }, say(`change_${kind}`))));
byId("kind").addEventListener("change", showFields);
const fieldOf = (name) => byId("kind-fields").querySelector(`[data-field="${name}"]`);

function showFields() {
  byId("map-box").hidden = true;
  byId("kind-fields").replaceChildren(...KINDS[byId("kind").value].fields().map(({ name, label, options, type, isPlace, ...more }) => element("div", {},
    element("label", {}, label, options
      ? element("select", { "data-field": name }, options().map(([value, told]) => element("option", { value }, told)))
      : element("input", { "data-field": name, type, autocomplete: "off", ...(isPlace ? { list: "places" } : {}), ...more })),
    isPlace ? button(say("on_the_map"), openMap, { id: "open-map" }) : null)));
  if (fieldOf("rule")) {
    fieldOf("rule").addEventListener("change", showRule);
    fieldOf("entry").addEventListener("change", showValue);
    showRule();
  }
  fieldOf("at")?.addEventListener("input", ({ target }) => {
    target.setCustomValidity(isTyped(target.value) && !typedPlace(target.value) ? say("no_such_place") : "");
    offerPlaces(target.value);
  });
}

function showRule() {
  const rule = fieldOf("rule").value;
  const entries = entriesOf(portfolio.facts.rules, rule);
  const isOne = entries[0] === null;
  fieldOf("entry").closest("div").hidden = isOne;
  fieldOf("entry").replaceChildren(...(isOne ? [] : [element("option", { value: "" }, say("all_of_them")), ...entries.map((key) => element("option", { value: key }, entryName(rule, key)))]));
  showValue();
}

function showValue() {
  const rule = fieldOf("rule").value;
  const entries = entriesOf(portfolio.facts.rules, rule);
  const today = valueOf(portfolio.facts.rules, rule, entries[0] === null ? null : fieldOf("entry").value || entries[0]);
  fieldOf("value").value = toField(rule, today);
  const label = fieldOf("value").closest("label").firstChild;
  label.textContent = `${say("value")}${RULES[rule].isPercent ? ", %" : ""} (${say("today").toLowerCase()} ${toldValue(rule, today)})`;
}

// ---- where a rep lives: on the map, or by a customer's id or name

async function openMap() {
  byId("map-box").hidden = false;
  if (!map) {
    map = new PlanMap(await get(`${base}/scene`), { place: choosePlace });
  }
  map.map.invalidateSize({ animate: false });
  map.showEverything(false);
  byId("map-box").scrollIntoView({ block: "nearest" });
}

function choosePlace(latlng, customer) {
  const { customers } = map.scene;
  const at = fieldOf("at");
  at.value = customer === undefined ? `${latlng.lat.toFixed(5)}, ${latlng.lng.toFixed(5)}` : customers.id[customer];
  map.marks.clearLayers();
  map.marks.addLayer(L.circleMarker(latlng, { radius: 9, color: "#0b62c4", weight: 3, fillOpacity: 0.3 }));
  done(customer === undefined ? say("home_is", { place: at.value }) : say("home_is", { place: customers.name[customer] || customers.id[customer] }));
  return true;
}

let asked = 0;
function offerPlaces(word) {
  clearTimeout(asked);
  if (word.length < 2 || isTyped(word)) return;
  asked = setTimeout(() => attempt(null, async () => {
    const scene = map?.scene ?? (await get(`${base}/scene`));
    const found = [...scene.customers.id.keys()].filter((i) => `${scene.customers.id[i]} ${scene.customers.name[i]}`.toLowerCase().includes(word.toLowerCase()));
    byId("places").replaceChildren(...found.slice(0, 20).map((i) => element("option", { value: scene.customers.id[i] }, scene.customers.name[i])));
  }), 250);
}

// ---- building

byId("add-change").addEventListener("click", () => {
  const missing = [...byId("kind-fields").querySelectorAll("[data-field]")].find((field) => !field.reportValidity() || (field.required && !field.value));
  if (missing) return missing.focus();
  addChange();
  return undefined;
});

function addChange() {
  const kind = byId("kind").value;
  const given = Object.fromEntries([...byId("kind-fields").querySelectorAll("[data-field]")].map((field) => [field.dataset.field, field.value.trim()]));
  changes.push({ change: kind, ...KINDS[kind].make(given) });
  const { name } = byId("build").elements;
  if (!name.value) name.value = changeText(changes[changes.length - 1]).slice(0, 200);
  showChanges();
}

function changeText(change) {
  const { tier, segment } = change.where || {};
  const who = tier ? say("tier_only", { tier }) : segment ? say("segment_only", { name: segment }) : null;
  const told = { ...change, percent: change.factor === undefined ? "" : signedPercent(change.factor - 1), who: who ?? say("all_customers") };
  if (change.share !== undefined) told.share = percent(change.share);
  told.place = change.customer_id ?? (change.lon === undefined ? "" : `${change.lat}, ${change.lon}`);
  if (change.customer_ids) told.count = [change.customer_ids.length ? number(change.customer_ids.length) : null, who].filter(Boolean).join(" + ");
  if (change.column) told.column = hasWord(`column_of_${change.column}`) ? say(`column_of_${change.column}`) : change.column;
  if (change.rules) told.rules = toldRules(change.rules);
  return say(`told_${change.change}`, told);
}

function showChanges() {
  byId("changes").replaceChildren(...changes.map((change, i) => element("li", { class: "row" }, element("span", {}, changeText(change)),
    button(say("take_out"), async () => {
      changes.splice(i, 1);
      showChanges();
    }, { "aria-label": `${say("take_out")}: ${changeText(change)}` }))));
  byId("stop-editing").hidden = !edited;
  byId("keep").textContent = say(edited ? "save" : "keep_what_if");
}

function startAnew() {
  edited = null;
  changes = [];
  byId("build").elements.name.value = "";
  showChanges();
}

byId("stop-editing").addEventListener("click", startAnew);

onSubmit(byId("build"), async ({ name }) => {
  if (!changes.length) addChange();
  const body = { name: name.value || changes.map(changeText).join("; ").slice(0, 200), changes };
  if (edited) await ask("PATCH", `/v1/scenarios/${edited.scenario_id}`, { body, match: `"${edited.revision}"` });
  else await ask("POST", `${base}/scenarios`, { body });
  startAnew();
  await showKept();
  done(say("saved"));
});

// ---- kept what-ifs, and running them

async function showKept() {
  const { items } = await get(`${base}/scenarios`);
  byId("kept").replaceChildren(...(items.length ? items.map(keptItem) : [element("li", { class: "empty" }, say("no_what_ifs"))]));
}

function keptItem(each) {
  const told = each.changes.map(changeText).join("; ");
  return element("li", { class: "row" },
    element("div", {},
      element("label", { class: "tick" }, element("input", { type: "checkbox", name: "scenario", value: each.scenario_id, checked: true }), ` ${each.name}`),
      told === each.name ? null : element("small", { class: "line-of-its-own soft" }, told)),
    element("span", { class: "buttons" },
      button(say("edit"), async () => {
        edited = each;
        changes = structuredClone(each.changes);
        byId("build").elements.name.value = each.name;
        showChanges();
        byId("build").scrollIntoView({ block: "nearest" });
      }, { "aria-label": `${say("edit")}: ${each.name}` }),
      sureButton(say("remove"), say("remove_sure"), async () => {
        await ask("DELETE", `/v1/scenarios/${each.scenario_id}`, { match: `"${each.revision}"` });
        await showKept();
      }, { "aria-label": `${say("remove")}: ${each.name}` })));
}

onSubmit(byId("run"), async (fields) => {
  const ids = [...byId("kept").querySelectorAll("input:checked")].map((box) => box.value);
  const body = { ...planParameters(fields), scenario_ids: ids, with_today: fields.with_today.checked };
  const { content } = await ask("POST", `${base}/comparisons`, { body, key: newKey() });
  location.assign(`/comparisons/${content.comparison_id}`);
});

async function showEarlier() {
  const { items } = await get(`${base}/comparisons`);
  byId("earlier-box").hidden = !items.length;
  byId("earlier").replaceChildren(...items.map((each) => element("li", { class: "row" },
    link(`/comparisons/${each.comparison_id}`, comparisonName(each)), element("span", { class: "soft" }, moment(each.created_at), each.status === "ready" ? null : [" ", badge(each.status)]))));
}

attempt(null, async () => {
  portfolio = await get(base);
  byId("crumb").textContent = portfolio.name;
  byId("crumb").href = `/portfolios/${page.portfolio_id}`;
  document.title = `${say("what_if")} · ${portfolio.name}`;
  fillTolerance(byId("run"), portfolio.facts.rules);
  offerTravels(byId("run").elements.travel, portfolio.travels);
  reps = await all(`${base}/reps`);
  byId("kind").disabled = false;
  showFields();
  showChanges();
  await Promise.all([showKept(), showEarlier()]);
});
