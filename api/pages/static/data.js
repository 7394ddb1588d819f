// What a portfolio is made of: its rules, and new files for it. What either would change is shown before it does.

import { element } from "./elements.js";
import {
  all, ask, attempt, button, byId, done, follow, get, hasWord, link, localDay, me, moment, number, onSubmit, page, percent, problemOf, progressBar, say,
} from "./base.js";
import { RULES, TEXTS, entriesOf, entryName, fromField, ruleName, toField, toldValue, valueOf } from "./rules.js";
import { Table } from "./table.js";

const base = `/v1/portfolios/${page.portfolio_id}`;
let portfolio;
let etag;
let update; // the new files that are looked at

// ---- differences

const isRatio = (column) => /^deviation_/.test(column || "");
const columnName = (row) => (row.what === "rule" ? (row.column ? entryName(row.id, row.column) : "") : row.column && hasWord(`column_of_${row.column}`) ? say(`column_of_${row.column}`) : row.column || "");
const value = (row, side) => {
  const told = row[side];
  if (row.what === "rule") return toldValue(row.id, told);
  return told === null ? "–" : isRatio(row.column) ? percent(told) : typeof told === "number" ? number(told) : String(told);
};
const thing = (row) => (row.what === "rule" ? ruleName(row.id) : row.name ? `${row.name} · ${row.id}` : row.id);
const differences = (box, empty) => new Table(byId(box), [
  { key: "what", label: say("kind_of_thing"), show: (row) => say(`what_${row.what}`) },
  { key: "id", label: say("which"), value: thing, show: thing },
  { key: "change", label: say("what_happens"), show: (row) => say(`change_${row.change}`) },
  { key: "column", label: say("column"), show: columnName },
  { key: "before", label: say("today"), kind: "number", show: (row) => (row.change === "changed" ? value(row, "before") : "–") },
  { key: "after", label: say("then"), kind: "number", show: (row) => (row.change === "changed" ? value(row, "after") : "–") },
], { label: say("what_they_change"), empty, filter: (row) => `${row.what} ${thing(row)} ${row.column}`, atOnce: 25 });
const updateTable = differences("update-table", say("nothing_changes_here"));
const previewTable = differences("preview-table", say("nothing_changes_here"));

function counted(rows) {
  const of = (change) => new Set(rows.filter((row) => row.what === "customer" && row.change === change).map((row) => row.id)).size;
  return say("update_told", { new: number(of("new")), gone: number(of("gone")), changed: number(of("changed")) });
}

// ---- new files

onSubmit(byId("bring"), async (fields) => {
  const sent = new FormData();
  sent.append("crs", fields.crs.value);
  for (const name of ["customers", "reps", "rules"]) if (fields[name].files[0]) sent.append(name, fields[name].files[0]);
  const { content } = await ask("POST", `${base}/updates`, { form: sent });
  byId("bring").reset();
  await waitFor(content);
});

async function waitFor(found) {
  const { box, tell } = progressBar(found.job);
  byId("waiting").replaceChildren(element("li", {}, box));
  await follow(found.job, tell);
  const read = await get(`/v1/portfolios/${found.portfolio_id}`);
  byId("waiting").replaceChildren();
  if (read.status === "ready") return look(read);
  byId("waiting").replaceChildren(element("li", { class: "said" }, problemOf({ problem: read.problem || { detail: say("could_not_be_read") } })));
  return ask("DELETE", `${base}/updates/${found.portfolio_id}`);
}

async function look(found) {
  update = found;
  byId("update").hidden = false;
  byId("take-over").elements.effective_from.value ||= localDay();
  byId("confirm").hidden = me.role === "planner";
  await showDifference();
  byId("update").scrollIntoView({ block: "start" });
}

async function showDifference() {
  const path = `${base}/updates/${update.portfolio_id}?owners=${byId("take-over").elements.owners.value}`;
  const rows = await all(path);
  byId("update-told").textContent = `${counted(rows)} (${moment(update.created_at)})`;
  byId("update-downloads").replaceChildren(...["xlsx", "csv"].map((format) => link(`${path}&f=${format}`, say(`download_${format}`), { class: "quiet", download: `changes.${format}` })));
  updateTable.show(rows);
}

byId("take-over").elements.owners.addEventListener("change", () => attempt(null, showDifference));

onSubmit(byId("take-over"), async ({ owners, effective_from: from, comment }) => {
  await ask("POST", `${base}/take-over`, { body: { update_id: update.portfolio_id, owners: owners.value, effective_from: from.value, comment: comment.value }, match: etag });
  closeUpdate();
  await open();
  done(say("taken_over"));
});

byId("drop-update").addEventListener("click", () => attempt(byId("drop-update"), async () => {
  await ask("DELETE", `${base}/updates/${update.portfolio_id}`);
  closeUpdate();
}));

function closeUpdate() {
  update = null;
  byId("update").hidden = true;
}

// ---- rules

function input(rule, key, label) {
  const today = valueOf(portfolio.facts.rules, rule, key);
  const isText = TEXTS.includes(rule);
  return element("input", {
    type: isText ? "text" : "number", step: "any", "data-rule": rule, ...(key === null ? {} : { "data-entry": key }), "aria-label": label,
    value: isText ? today : toField(rule, today), "data-today": isText ? today : toField(rule, today), ...(isText ? { maxlength: "200" } : { inputmode: "decimal" }),
  });
}

const unit = (rule) => (RULES[rule]?.isPercent ? " %" : "");

function showRules() {
  const { rules } = portfolio.facts;
  const known = [...Object.keys(RULES), ...TEXTS].filter((rule) => rules?.[rule] !== undefined);
  const byTier = known.filter((rule) => RULES[rule]?.entries === "tier" && entriesOf(rules, rule)[0] !== undefined && entriesOf(rules, rule)[0] !== null);
  const tiers = [...new Set(byTier.flatMap((rule) => entriesOf(rules, rule)))];
  const others = known.filter((rule) => !byTier.includes(rule) && RULES[rule]?.entries !== "tier");
  byId("rule-fields").replaceChildren(
    element("div", { class: "scroll" }, element("table", { class: "grid-of-inputs" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, say("tier")), byTier.map((rule) => element("th", { scope: "col" }, ruleName(rule), unit(rule))))),
      element("tbody", {}, tiers.map((tier) => element("tr", {}, element("th", { scope: "row" }, tier),
        byTier.map((rule) => element("td", {}, valueOf(rules, rule, tier) === undefined ? "–" : input(rule, tier, `${ruleName(rule)}, ${entryName(rule, tier)}`)))))))),
    element("div", { class: "fields" }, others.flatMap((rule) => entriesOf(rules, rule).map((key) => {
      const label = `${ruleName(rule)}${key === null ? "" : `, ${entryName(rule, key)}`}${unit(rule)}`;
      return element("label", {}, label, input(rule, key, label));
    }))));
}

function changedRules() {
  const rules = {};
  for (const field of byId("rule-fields").querySelectorAll("input")) {
    if (field.value === field.dataset.today) continue;
    const { rule, entry } = field.dataset;
    const told = TEXTS.includes(rule) ? field.value : fromField(rule, Number(field.value));
    if (entry === undefined) rules[rule] = told;
    else rules[rule] = { ...rules[rule], [entry]: told };
  }
  return rules;
}

byId("preview").addEventListener("click", () => attempt(byId("preview"), async () => {
  const rules = changedRules();
  if (!Object.keys(rules).length) return done(say("nothing_changes_here"));
  const { content } = await ask("POST", `${base}/rules/preview?limit=1000`, { body: { rules } });
  previewTable.show(content.items);
  return undefined;
}, byId("rules-form").querySelector("[role=alert]")));

onSubmit(byId("rules-form"), async () => {
  const rules = changedRules();
  if (!Object.keys(rules).length) return done(say("nothing_changes_here"));
  await ask("PATCH", `${base}/rules`, { body: { rules }, match: etag });
  await open();
  previewTable.show([]);
  return done(say("saved"));
});

// ---- the page

async function open() {
  const answer = await ask("GET", base);
  portfolio = answer.content;
  etag = answer.etag;
  byId("crumb").textContent = portfolio.name;
  byId("crumb").href = `/portfolios/${page.portfolio_id}`;
  document.title = `${say("data_and_rules")} · ${portfolio.name}`;
  showRules();
}

// Files that somebody has brought in and not decided on.
async function showWaiting() {
  const waiting = (await all("/v1/portfolios")).filter((each) => each.facts.update_of === page.portfolio_id);
  const [latest] = waiting;
  if (!latest) return undefined;
  return latest.status === "reading" ? waitFor(latest) : latest.status === "ready" ? look(latest) : undefined;
}

attempt(null, async () => {
  await open();
  await showWaiting();
});
