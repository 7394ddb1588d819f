// What every page has: what it was told, its words and numbers, how it asks the service, and how it says what is wrong.

import { element } from "./elements.js";

export const page = JSON.parse(document.getElementById("page").textContent);
export const me = page.me;
const { default: words } = await import(`./words.${page.language}.js`);
const locale = page.language === "zh" ? "zh-CN" : "en-GB";

export function byId(id) {
  return document.getElementById(id);
}

export const hasWord = (key) => key in words;

export function say(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// ---- numbers and dates

function formatter(options) {
  const format = new Intl.NumberFormat(locale, options);
  // What rounds to nothing has no sign.
  return (value) => (value === null || value === undefined ? "–" : format.format(value).replace(/^-(?=0(\.0+)?%?$)/, "").replace("-", "−"));
}

const fine = formatter({ maximumSignificantDigits: 3 });
const whole = formatter({ maximumFractionDigits: 0 });
export const number = (value) => (Math.abs(value) < 100 ? fine(value) : whole(value));
export const percent = formatter({ style: "percent", maximumFractionDigits: 1 });
export const signedPercent = formatter({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
export const signedNumber = formatter({ maximumFractionDigits: 0, signDisplay: "exceptZero" });
export const signedDecimal = formatter({ maximumFractionDigits: 2, signDisplay: "exceptZero" });
export const decimal = formatter({ maximumFractionDigits: 2 });
export const megabytes = (bytes) => `${fine(bytes / 1e6)} MB`;
export const hours = (minutes) => (minutes === null || minutes === undefined ? "–" : whole(minutes / 60));

const asDate = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const asTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
export const day = (text) => (text ? asDate.format(new Date(`${text}T00:00:00`)) : "–");
export const moment = (seconds) => (seconds ? asTime.format(new Date(seconds * 1000)) : "–");

export function localDay(offset = 0) {
  const at = new Date();
  at.setDate(at.getDate() + offset);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

// ---- asking the service

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.problem = problem;
  }
}

export class Offline extends Error {}

// Ask the service: {content, etag, location}; Refused when it says no, Offline when it was not reached.
export async function ask(method, path, { body, form, match, key } = {}) {
  const headers = { Accept: "application/json" };
  if (me?.csrf && method !== "GET") headers["X-CSRF-Token"] = me.csrf;
  if (match !== undefined) headers["If-Match"] = match;
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? form : JSON.stringify(body) });
  } catch (error) {
    if (error instanceof TypeError) throw new Offline(say("offline"));
    throw error;
  }
  if (answer.status === 401 && me) {
    location.assign(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {}); // the page is on its way out
  }
  const isJson = (answer.headers.get("Content-Type") || "").includes("json");
  const content = isJson ? await answer.json() : null;
  if (!answer.ok) throw new Refused(answer.status, content || { detail: say("failed_with", { status: answer.status }) });
  return { content, etag: answer.headers.get("ETag"), location: answer.headers.get("Location") };
}

// A key by which the service knows a request again. Not crypto.randomUUID: without https browsers do not have it.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function get(path) {
  return (await ask("GET", path)).content;
}

// All rows of a list, page after page; `most` keeps a page of a million customers from filling the browser.
export async function all(path, most = 20000) {
  const items = [];
  let next = `${path}${path.includes("?") ? "&" : "?"}limit=1000`;
  while (next && items.length < most) {
    const part = await get(next);
    items.push(...part.items);
    next = part.next;
  }
  return items;
}

// Follow a job to its end: `tell` hears of every step; resolves with the job when it is over.
export function follow(jobPath, tell) {
  return new Promise((resolve, reject) => {
    const poll = async () => {
      try {
        const job = await get(jobPath);
        tell(job);
        if (["done", "failed", "cancelled"].includes(job.status)) resolve(job);
        else setTimeout(poll, 1000);
      } catch (error) {
        if (error instanceof Offline) setTimeout(poll, 3000);
        else reject(error);
      }
    };
    const events = new EventSource(`${jobPath}/events`);
    events.addEventListener("progress", ({ data }) => tell(JSON.parse(data)));
    events.addEventListener("end", ({ data }) => {
      events.close();
      resolve(JSON.parse(data));
    });
    // A proxy that holds events back must not hold the reader back.
    events.onerror = () => {
      events.close();
      poll();
    };
  });
}

// ---- saying what is wrong, and what was done

// Sentences of the service that hold names and figures, as patterns.
const patterns = Object.keys(words).filter((key) => key.includes("{")).map((key) => [
  key,
  new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>.+?)")}$`, "s"),
]);

// A sentence of the service in the words of the pages; null where they have none.
function ownWords(text) {
  if (hasWord(text)) return say(text);
  const [key, pattern] = patterns.find(([, each]) => each.test(text)) ?? [];
  if (!key) return null;
  const held = Object.entries(pattern.exec(text).groups);
  return say(key, Object.fromEntries(held.map(([name, value]) => [name, hasWord(`status_${value}`) ? say(`status_${value}`) : value])));
}

const translated = (text) => ownWords(text) ?? english(text);
const english = (...text) => element("span", { lang: page.language === "en" ? null : "en" }, text);

// One fault: where it is, what it is, how to mend it.
export function toldProblem({ where, what, fix, zh }) {
  if (page.language === "zh" && zh) return zh;
  const text = `${what} ${fix}`;
  return ownWords(where ? `${where}: ${text}` : text) ?? english(where ? element("b", {}, `${where}: `) : null, text);
}

export function problemOf(error) {
  const problem = error.problem || { detail: error.message };
  // Of a job that failed, the title is the name of a class.
  const title = /Error$/.test(problem.title || "") ? "" : problem.title || "";
  const known = `refused_${error.status}`;
  const list = (problem.problems || []).filter((each) => each.what || each.fix);
  return [
    element("p", {}, element("strong", {}, hasWord(known) ? say(known) : translated(title)), hasWord(known) || title ? " " : "",
      list.length ? "" : translated(problem.detail || "")),
    list.length ? element("ul", {}, list.slice(0, 50).map((each) => element("li", {}, toldProblem(each)))) : null,
    list.length > 50 ? element("p", {}, say("more_problems", { count: list.length - 50 })) : null,
  ].filter(Boolean);
}

export function complain(error, box = byId("said")) {
  box.replaceChildren(...problemOf(error));
  box.scrollIntoView({ block: "nearest" });
  if (!(error instanceof Refused || error instanceof Offline)) throw error;
}

export function hush(box = byId("said")) {
  box.replaceChildren();
}

const ASKED_FOR = 6000; // milliseconds
let doneTimer = 0;
export function done(text) {
  const box = byId("done");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(doneTimer);
  doneTimer = setTimeout(() => box.classList.remove("shown"), 4000);
}

// Run what a person began: its button rests meanwhile, and a refusal is shown in `box`. The button is not disabled, or the
// keyboard would lose its place.
export async function attempt(button, work, box = byId("said")) {
  if (button?.hasAttribute("aria-busy")) return undefined;
  hush(box);
  button?.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    complain(error, box);
    return undefined;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const box = form.querySelector("[role=alert]") || byId("said");
    attempt(event.submitter || form.querySelector("button:not([type=button])"), () => work(form.elements), box);
  });
}

// ---- sentences that the library says in English, said anew from their figures

// Why a customer changes territory; a row of moves or of handovers.
export function moveReason(row) {
  if (!row.why) return (page.language === "zh" && row.reason_zh) || row.reason || "–";
  if (row.why !== "balance") return say(`why_${row.why}`);
  const cost = (value) => say(value < 0 ? "why_saves" : "why_costs", { value: number(Math.abs(value)) });
  const measure = (name) => (hasWord(`measure_${name}`) ? say(`measure_${name}`) : name);
  return [
    row.over === null ? say("why_passes_on", { territory: row.from }) : say("why_over", { territory: row.from, value: percent(row.over), measure: measure(row.over_measure) }),
    row.under === null ? null : say("why_under", { territory: row.to, value: percent(row.under), measure: measure(row.under_measure) }),
    row.nearer_km === null ? null : say("why_nearer", { km: whole(row.nearer_km) }),
    say("why_staying", { balance: cost(row.staying_balance), distance: cost(row.staying_distance) }),
    Math.abs(row.staying_minutes ?? 0) < 1 ? null
      : say(row.staying_minutes > 0 ? "why_longer" : "why_shorter", { minutes: whole(Math.abs(row.staying_minutes)) }),
  ].filter(Boolean).join(say("why_and"));
}

// What a plan of a front is called: its names, or its figures.
export function planName(label, row = {}) {
  if (label === "today") return say("todays_portfolio");
  const [names, outside] = [label.replace(/, outside the tolerance$/, ""), /, outside the tolerance$/.test(label)];
  const keys = names.split(" and ").map((name) => `front_${name.replaceAll(" ", "_")}`);
  const figures = /^(\S+ %) move, ±(\S+ %), (\S+) km$/.exec(names);
  const told = keys.every(hasWord) ? keys.map((key) => say(key)).join(say("name_and"))
    : row.label !== undefined ? say("front_figures", { moved: percent(row.moved_customers), deviation: percent(row.deviation), km: decimal(row.mean_km) })
      : figures ? say("front_figures", { moved: figures[1], deviation: figures[2], km: figures[3] }) : names;
  return outside ? say("front_outside", { name: told }) : told;
}

// What plans side by side are called: those of a front by how many they are, what-ifs by their names.
export function comparisonName({ parameters, rows }) {
  if (parameters.count) return say("front_of", { count: rows.length || parameters.count });
  const names = rows.map((row) => planName(row.scenario)).slice(0, 4).join(" · ");
  return names || say("what_if");
}

// ---- parts of pages

export function openDialog(dialog) {
  const box = dialog.querySelector("[role=alert]");
  if (box) hush(box);
  dialog.showModal();
}

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

export function badge(status) {
  return element("span", { class: `badge ${status}` }, say(`status_${status}`));
}

export function button(text, act, attributes = {}) {
  const made = element("button", { type: "button", class: "quiet", ...attributes }, text);
  made.addEventListener("click", () => attempt(made, act));
  return made;
}

// A button for what cannot be undone: the first click asks, and for a moment a second one does it.
export function sureButton(text, sure, act, attributes = {}) {
  const label = attributes["aria-label"];
  const made = element("button", { type: "button", class: "quiet", ...attributes }, text);
  const show = (isAsking) => {
    made.textContent = isAsking ? sure : text;
    made.classList.toggle("sure", isAsking);
    if (label) made.setAttribute("aria-label", isAsking ? `${sure} ${label}` : label);
  };
  let asked = 0;
  made.addEventListener("click", () => {
    clearTimeout(asked);
    if (asked) {
      asked = 0;
      show(false);
      attempt(made, act);
      return;
    }
    show(true);
    asked = setTimeout(() => { asked = 0; show(false); }, ASKED_FOR);
  });
  return made;
}

export function link(href, text, attributes = {}) {
  return element("a", { href, ...attributes }, text);
}

export function downloads(base) {
  for (const box of document.querySelectorAll(".downloads[data-of]")) {
    box.replaceChildren(...box.dataset.formats.split(" ").map((format) =>
      link(`${base}/${box.dataset.of}?f=${format}`, say(`download_${format}`), { class: "quiet", download: `${box.dataset.of}.${format}`, "aria-label": `${say("download")}: ${say(`download_${format}`)}` })));
  }
}

// A bar for work in progress, with a button that cancels it.
export function progressBar(jobPath) {
  const bar = element("progress", { max: "1", "aria-label": say("progress") });
  const told = element("span", { class: "soft" }, say("stage_queued"));
  const box = element("div", { class: "working", role: "status" }, bar, told);
  if (jobPath) {
    box.append(button(say("cancel"), async () => {
      await ask("DELETE", jobPath);
      told.textContent = say("cancelling");
    }));
  }
  const tell = (job) => {
    if (job.progress) bar.value = job.progress;
    const key = `stage_${job.stage || job.status}`;
    const stage = hasWord(key) ? say(key) : job.stage || "";
    told.textContent = `${stage} ${job.progress ? percent(job.progress) : ""}`;
  };
  return { box, tell };
}

// Parameters of a plan as the form has them, as /v1 wants them.
export function planParameters(fields) {
  const part = (name) => (fields[name].value === "" ? null : Number((Number(fields[name].value) / 100).toFixed(6)));
  return {
    tolerance: { potential: part("potential"), workload: part("workload") },
    max_moved: part("max_moved"),
    travel: fields.travel.value,
    seed: Number(fields.seed.value),
  };
}

// What workload may count, as far as the service knows it.
export function offerTravels(select, travels) {
  select.replaceChildren(...travels.map((travel) => element("option", { value: travel }, say(`travel_${travel}`))));
}

export function fillTolerance(form, rules) {
  const asked = rules?.tolerance ?? 0.05;
  for (const measure of ["potential", "workload"]) {
    const value = typeof asked === "number" ? asked : asked[measure] ?? 0.05;
    form.elements[measure].value = Number((100 * value).toFixed(2));
  }
}

// ---- the frame

byId("language").addEventListener("click", () => {
  const to = page.language === "zh" ? "en" : "zh";
  document.cookie = `territory_language=${to}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
});
if (me) {
  byId("who").textContent = me.name;
  byId("sign-out").addEventListener("click", () => attempt(byId("sign-out"), async () => {
    await ask("DELETE", "/v1/session");
    // What was kept for a flaky line is not for whoever comes next.
    if ("caches" in window) await caches.delete("territory");
    location.assign("/signin");
  }));
}
