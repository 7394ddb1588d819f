// What would be if: build it from changes, keep it, and run several side by side.

import { element } from "./elements.js";
import { all, ask, attempt, button, byId, done, fillTolerance, get, newKey, number, onSubmit, page, percent, planParameters, say, signedPercent } from "./base.js";

const base = `/v1/portfolios/${page.portfolio_id}`;
let reps = [];
let changes = [];

const rep = () => ({ name: "rep_id", label: say("rep"), options: () => reps.map((each) => [each.rep_id, each.name ? `${each.rep_id} · ${each.name}` : each.rep_id]) });
const text = (name, key, more = {}) => ({ name, label: say(key), type: "text", ...more });
const figure = (name, key, more = {}) => ({ name, label: say(key), type: "number", step: "any", ...more });
const tiers = () => [["", say("all_customers")], ...["A", "B", "C", "D"].map((tier) => [tier, say("tier_only", { tier })])];

// kind -> its fields, and the change that /v1 wants of their values
const KINDS = {
  rep_leaves: { fields: [rep()], make: (given) => ({ rep_id: given.rep_id }) },
  rep_joins: {
    fields: [text("rep_id", "new_rep_id", { required: true }), text("customer_id", "lives_at_customer", { required: true }), text("territory", "territory_optional")],
    make: (given) => ({ rep_id: given.rep_id, customer_id: given.customer_id, ...(given.territory ? { territory: given.territory } : {}) }),
  },
  rep_moves: { fields: [rep(), text("customer_id", "lives_at_customer", { required: true })], make: (given) => ({ rep_id: given.rep_id, customer_id: given.customer_id }) },
  rep_part_time: { fields: [rep(), figure("share", "share_percent", { min: 1, max: 100, value: 50 })], make: (given) => ({ rep_id: given.rep_id, share: given.share / 100 }) },
  scaled: {
    fields: [
      { name: "column", label: say("what_grows"), options: () => [["potential", say("potential")], ["visits_per_year", say("visits_a_year")], ["minutes_per_visit", say("minutes_per_visit")]] },
      figure("percent", "by_percent", { min: -100, max: 1000, value: 15 }), { name: "tier", label: say("of_whom"), options: tiers },
    ],
    make: (given) => ({ column: given.column, factor: Number((1 + given.percent / 100).toFixed(6)), where: given.tier ? { tier: given.tier } : {} }),
  },
  rules: {
    fields: [
      { name: "rule", label: say("rule"), options: () => [["speed_kmh", say("speed_kmh")], ["detour_factor", say("detour_factor")]] },
      figure("value", "value", { min: 0, value: 40 }),
    ],
    make: (given) => ({ rules: { [given.rule]: Number(given.value) } }),
  },
  customers_leave: { fields: [text("customer_ids", "customer_ids", { required: true })], make: (given) => ({ customer_ids: given.customer_ids.split(/[\s,;，；]+/).filter(Boolean) }) },
};

byId("kind").replaceChildren(...Object.keys(KINDS).map((kind) => element("option", { value: kind }, say(`change_${kind}`))));
byId("kind").addEventListener("change", showFields);

function showFields() {
  byId("kind-fields").replaceChildren(...KINDS[byId("kind").value].fields.map(({ name, label, options, type, ...more }) => element("label", {}, label,
    options
      ? element("select", { "data-field": name }, options().map(([value, told]) => element("option", { value }, told)))
      : element("input", { "data-field": name, type, autocomplete: "off", ...more }))));
}

byId("add-change").addEventListener("click", () => {
  const fields = [...byId("kind-fields").querySelectorAll("[data-field]")];
  const missing = fields.find((field) => !field.reportValidity() || (field.required && !field.value));
  if (missing) return missing.focus();
  addChange();
  return undefined;
});

function addChange() {
  const kind = byId("kind").value;
  const given = Object.fromEntries([...byId("kind-fields").querySelectorAll("[data-field]")].map((field) => [field.dataset.field, field.value.trim()]));
  changes.push({ change: kind, ...KINDS[kind].make(given) });
  if (!byId("build").elements.name.value) byId("build").elements.name.value = changeText(changes[changes.length - 1]);
  showChanges();
}

function changeText(change) {
  const told = { ...change, percent: change.factor === undefined ? "" : signedPercent(change.factor - 1), who: change.where?.tier ? say("tier_only", { tier: change.where.tier }) : say("all_customers") };
  if (change.share !== undefined) told.share = percent(change.share);
  if (change.customer_ids) told.count = number(change.customer_ids.length);
  if (change.column) told.column = say({ potential: "potential", visits_per_year: "visits_a_year" }[change.column] || "minutes_per_visit");
  if (change.rules) told.rules = Object.entries(change.rules).map((pair) => pair.join(" = ")).join(", ");
  return say(`told_${change.change}`, told);
}

function showChanges() {
  byId("changes").replaceChildren(...changes.map((change, i) => element("li", {}, `${changeText(change)} `,
    button(say("take_out"), async () => {
      changes.splice(i, 1);
      showChanges();
    }))));
}

onSubmit(byId("build"), async ({ name }) => {
  if (!changes.length) addChange();
  await ask("POST", `${base}/scenarios`, { body: { name: name.value || changes.map(changeText).join("; "), changes } });
  changes = [];
  name.value = "";
  showChanges();
  await showKept();
  done(say("saved"));
});

async function showKept() {
  const { items } = await get(`${base}/scenarios`);
  byId("kept").replaceChildren(...(items.length ? items.map(keptItem) : [element("li", { class: "empty" }, say("no_what_ifs"))]));
}

function keptItem(each) {
  const told = each.changes.map(changeText).join("; ");
  return element("li", { class: "row" },
    element("div", {},
      element("label", { class: "tick" }, element("input", { type: "checkbox", name: "scenario", value: each.scenario_id, checked: true }), ` ${each.name}`),
      told === each.name ? null : element("small", { class: "line-of-its-own" }, told)),
    button(say("remove"), async () => {
      await ask("DELETE", `/v1/scenarios/${each.scenario_id}`, { match: `"${each.revision}"` });
      await showKept();
    }, { "aria-label": `${say("remove")}: ${each.name}` }));
}

onSubmit(byId("run"), async (fields) => {
  const ids = [...byId("kept").querySelectorAll("input:checked")].map((box) => box.value);
  const body = { ...planParameters(fields), scenario_ids: ids, with_today: fields.with_today.checked };
  const { content } = await ask("POST", `${base}/comparisons`, { body, key: newKey() });
  location.assign(`/comparisons/${content.comparison_id}`);
});

attempt(null, async () => {
  const portfolio = await get(base);
  byId("crumb").textContent = portfolio.name;
  byId("crumb").href = `/portfolios/${page.portfolio_id}`;
  document.title = `${say("what_if")} · ${portfolio.name}`;
  fillTolerance(byId("run"), portfolio.facts.rules);
  reps = await all(`${base}/reps`);
  showFields();
  await showKept();
});
