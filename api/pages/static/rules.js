// The rules as people name them: which there are, for whom each holds, and what it is today.

import { decimal, hasWord, percent, say } from "./base.js";

// rule -> what its entries are ("tier" or "measure"; none when it is one number), and whether it is told in percent
export const RULES = {
  tolerance: { entries: "measure", isPercent: true },
  minutes_per_visit: { entries: "tier" },
  visits_per_year: { entries: "tier" },
  potential_by_tier: { entries: "tier" },
  tier_shares: { entries: "tier", isPercent: true },
  speed_kmh: {},
  detour_factor: {},
  travel_factor: {},
  hours_per_week: {},
  weeks_per_year: {},
  compactness: {},
  fairness: {},
  max_capacity_use: { isPercent: true },
  min_customers: {},
  max_customers: {},
  max_radius_km: {},
  pause_minutes: {},
  night_minutes: {},
};
export const TEXTS = ["work_from", "work_until", "weekdays", "pause_from", "pause_until"];

export const ruleName = (rule) => (hasWord(`rule_${rule}`) ? say(`rule_${rule}`) : rule);

export function entryName(rule, key) {
  if (key === null) return "";
  return RULES[rule]?.entries === "measure" ? (hasWord(key) ? say(key) : key) : say("tier_only", { tier: key });
}

// Its entries in the rules of a portfolio; null stands for a rule that is one number.
export function entriesOf(rules, rule) {
  const value = rules?.[rule];
  return value !== null && typeof value === "object" ? Object.keys(value) : [null];
}

export const valueOf = (rules, rule, key) => (key === null ? rules?.[rule] : rules?.[rule]?.[key]);
export const toField = (rule, value) => (value === null || value === undefined ? "" : Number((RULES[rule]?.isPercent ? 100 * value : value).toFixed(6)));
export const fromField = (rule, value) => Number((RULES[rule]?.isPercent ? value / 100 : value).toFixed(8));

// A value as it is read: "5 %", "45".
export function toldValue(rule, value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value !== "number") return String(value);
  return RULES[rule]?.isPercent ? percent(value) : decimal(value);
}

// {minutes_per_visit: {A: 60}} as a line of text.
export function toldRules(rules) {
  return Object.entries(rules).flatMap(([rule, value]) =>
    (value !== null && typeof value === "object" ? Object.entries(value) : [[null, value]]).map(([key, each]) =>
      `${ruleName(rule)}${key === null ? "" : ` (${entryName(rule, key)})`}: ${toldValue(rule, each)}`)).join(", ");
}
