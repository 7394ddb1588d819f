// A rep's own page, for a phone on a flaky line: what changes for me, my customers, my challenges.

import { element } from "./elements.js";
import { all, attempt, badge, button, byId, complain, day, done, get, link, me, moveReason, number, onSubmit, openDialog, page, say } from "./base.js";
import { keepForLater } from "./keeping.js";
import { Outbox } from "./outbox.js";
import { straightKm } from "./places.js";
import { listenToTabs } from "./tabs.js";

const AT_ONCE = 30;
let portfolios = [];
let customers = [];
let challenges = [];
let here = null;
let shown = AT_ONCE;

const outbox = new Outbox(me.user_id, {
  changed: () => { showLine(); showChanges(); showChallenges(); },
  sent: ({ about }, content) => {
    if (about.kind === "visit") return;
    challenges = [content, ...challenges.filter((each) => each.challenge_id !== content.challenge_id)];
    showChanges();
    showChallenges();
    done(say("challenge_sent"));
  },
  refused: (message, error) => complain(error),
});

// Visits wait in the same box, see day.js.
const waitingChallenges = () => outbox.messages().filter(({ about }) => about.kind !== "visit");

function showLine() {
  const waiting = outbox.messages().length;
  const box = byId("line");
  box.className = `line ${navigator.onLine ? "" : "off"}`;
  box.textContent = [navigator.onLine ? "" : say("no_line"), waiting ? say("waiting_to_send", { count: waiting }) : ""].filter(Boolean).join(" ");
}
window.addEventListener("online", showLine);
window.addEventListener("offline", showLine);

// ---- what changes for me

function showChanges() {
  const box = byId("changes");
  const parts = portfolios.flatMap((portfolio) => {
    const { mine, handovers } = portfolio;
    if (!handovers.length) return [];
    const coming = handovers.filter((row) => mine.has(row.to));
    const going = handovers.filter((row) => mine.has(row.from));
    return [
      element("h2", {}, portfolio.name),
      element("p", { class: "lead" }, say("from_day", { day: day(handovers[0].effective_from) }), " ", say("come_and_go", { coming: coming.length, going: going.length })),
      going.length ? element("h3", {}, say("you_give", { count: going.length })) : null,
      element("ul", { class: "cards" }, going.map((row) => changeCard(portfolio, row, true))),
      coming.length ? element("h3", {}, say("you_get", { count: coming.length })) : null,
      element("ul", { class: "cards" }, coming.map((row) => changeCard(portfolio, row, false))),
    ].filter(Boolean);
  });
  box.replaceChildren(...(parts.length ? parts : [element("p", { class: "empty" }, say("nothing_changes"))]));
}

// Who has a customer before or after: by name, and the territory where it has nobody.
const called = (row, end) => row[`${end}_rep`]?.replaceAll(";", ", ") || row[end] || "–";

function changeCard(portfolio, row, isGoing) {
  const challenge = challenges.find((each) => each.customer_id === row.customer_id && each.portfolio_id === portfolio.portfolio_id);
  const waiting = waitingChallenges().find(({ about }) => about.customer_id === row.customer_id && about.portfolio_id === portfolio.portfolio_id);
  return element("li", { class: "card" },
    element("h4", {}, row.name || row.customer_id),
    element("p", { class: "soft" }, [
      isGoing ? say("goes_to", { rep: called(row, "to") }) : say("comes_from", { rep: called(row, "from") }),
      `${say("potential")} ${number(row.potential)}`,
      row.reason ? moveReason(row) : null,
    ].filter(Boolean).join(" · ")),
    challenge ? element("p", {}, badge(challenge.status), challenge.answer ? ` ${challenge.answer}` : "")
      : waiting ? element("p", { class: "soft" }, say("waits_for_line"))
        : isGoing ? element("p", { class: "buttons" }, button(say("i_should_keep"), async () => ask(portfolio, row))) : null);
}

function ask(portfolio, row) {
  const dialog = byId("challenge");
  dialog.about = { portfolio_id: portfolio.portfolio_id, customer_id: row.customer_id, name: row.name };
  byId("challenge-told").textContent = say("challenge_told", {
    customer: row.name || row.customer_id, rep: called(row, "to"), price: row.price === null ? "–" : number(row.price),
  });
  dialog.querySelector("form").reset();
  openDialog(dialog);
}

onSubmit(byId("challenge").querySelector("form"), async ({ note }) => {
  const { about } = byId("challenge");
  byId("challenge").close();
  await outbox.post(`/v1/portfolios/${about.portfolio_id}/challenges`, { customer_id: about.customer_id, note: note.value }, about);
});

// The same id may be somebody else in another portfolio.
function calledIn({ portfolio_id: portfolioId, customer_id: customerId }) {
  const portfolio = portfolios.find(({ portfolio_id: id }) => id === portfolioId);
  const known = portfolio ? [...portfolio.customers, ...portfolio.handovers] : [];
  return known.find(({ customer_id: id }) => id === customerId)?.name || customerId;
}

function showChallenges() {
  const waiting = waitingChallenges().map(({ about, body }) => element("li", { class: "card" },
    element("h4", {}, about.name || about.customer_id), element("p", {}, body.note), element("p", { class: "soft" }, say("waits_for_line"))));
  const sent = challenges.map((each) => element("li", { class: "card" },
    element("h4", {}, calledIn(each)), element("p", {}, each.note),
    element("p", {}, badge(each.status), each.answer ? ` ${each.answer}` : "")));
  byId("challenge-list").replaceChildren(...(waiting.length + sent.length ? [...waiting, ...sent] : [element("li", { class: "empty" }, say("no_challenges"))]));
}

// ---- my customers

function showCustomers() {
  const word = byId("filter").value.trim().toLowerCase();
  let found = customers.filter((row) => `${row.name ?? ""} ${row.customer_id}`.toLowerCase().includes(word));
  if (here) found = [...found].sort((a, b) => straightKm(here, a) - straightKm(here, b));
  byId("customer-count").textContent = say("count_customers", { count: number(found.length) });
  byId("customer-list").replaceChildren(...found.slice(0, shown).map(customerCard));
  byId("more").hidden = found.length <= shown;
}

function customerCard(row) {
  const place = `${row.lat},${row.lon}`;
  return element("li", { class: "card" },
    element("h4", {}, row.name || row.customer_id),
    element("p", { class: "soft" }, [
      row.customer_id, row.tier ? say("tier_only", { tier: row.tier }) : null, row.segment,
      row.potential ? `${say("potential")} ${number(row.potential)}` : null,
      row.open_from ? say("open_hours", { from: row.open_from, until: row.open_until ?? "" }) : null,
      here ? say("km_of", { km: number(straightKm(here, row)) }) : null,
    ].filter(Boolean).join(" · ")),
    element("p", { class: "buttons" },
      link(`geo:${place}?q=${place}`, say("navigate"), { class: "quiet" }),
      row.phone ? link(`tel:${row.phone}`, say("call"), { class: "quiet" }) : null));
}

byId("filter").addEventListener("input", () => { shown = AT_ONCE; showCustomers(); });
byId("more").addEventListener("click", () => { shown += 3 * AT_ONCE; showCustomers(); });
byId("nearest").addEventListener("click", () => navigator.geolocation?.getCurrentPosition(
  ({ coords }) => { here = { lon: coords.longitude, lat: coords.latitude }; showCustomers(); },
  () => done(say("no_place"))));

listenToTabs();

// ---- the page

async function load(portfolio) {
  const base = `/v1/portfolios/${portfolio.portfolio_id}`;
  const [own, reps, handovers, asked] = await Promise.all([
    all(`${base}/customers`), all(`${base}/reps`), all(`${base}/handovers`), get(`${base}/challenges`),
  ]);
  return { ...portfolio, customers: own, mine: new Set(reps.map((rep) => rep.territory)), reps, handovers, challenges: asked.items };
}

attempt(null, async () => {
  const seen = (await all("/v1/portfolios")).filter(({ status }) => status === "ready");
  portfolios = await Promise.all(seen.map(load));
  customers = portfolios.flatMap((portfolio) => portfolio.customers);
  challenges = portfolios.flatMap((portfolio) => portfolio.challenges);
  byId("subtitle").textContent = portfolios.length
    ? portfolios.map((each) => `${[...each.mine].join(", ")} · ${each.name}`).join(" · ")
    : say("no_portfolio_of_mine");
  showChanges();
  showCustomers();
  showChallenges();
  await outbox.flush();
  await keepForLater();
});
showLine();
