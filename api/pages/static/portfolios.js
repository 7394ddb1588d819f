// The portfolios one may see, and bringing one in.

import { element } from "./elements.js";
import { all, ask, attempt, badge, byId, follow, get, link, me, moment, number, onSubmit, openDialog, problemOf, progressBar, say } from "./base.js";

const dialog = byId("upload");
const form = dialog.querySelector("form");
byId("open-upload").addEventListener("click", () => openDialog(dialog));
byId("regions").replaceChildren(...me.regions.map((region) => element("option", { value: region })));
form.elements.region.value = me.sees_all_regions ? "*" : me.regions[0] ?? "";

// The file's name is a good first name for what is in it.
form.elements.customers.addEventListener("change", ({ target }) => {
  if (!form.elements.name.value && target.files[0]) form.elements.name.value = target.files[0].name.replace(/\.[^.]+$/, "");
});

onSubmit(form, async (fields) => {
  const sent = new FormData();
  for (const name of ["name", "region", "crs"]) sent.append(name, fields[name].value);
  for (const name of ["customers", "reps", "rules"]) if (fields[name].files[0]) sent.append(name, fields[name].files[0]);
  const { content } = await ask("POST", "/v1/portfolios", { form: sent });
  location.assign(`/portfolios/${content.portfolio_id}`);
});

function card(portfolio) {
  const { facts } = portfolio;
  const box = element("article", { class: "card" },
    element("h2", {}, link(`/portfolios/${portfolio.portfolio_id}`, portfolio.name)), badge(portfolio.status),
    element("p", { class: "soft" }, [
      portfolio.region === "*" ? null : portfolio.region,
      facts.customers === undefined ? null : say("facts_line", { customers: number(facts.customers), reps: number(facts.reps) }),
      moment(portfolio.created_at),
    ].filter(Boolean).join(" · ")));
  if (portfolio.status === "failed" && portfolio.problem) box.append(element("div", { class: "said" }, problemOf({ problem: portfolio.problem })));
  if (portfolio.status === "reading") {
    const { box: bar, tell } = progressBar(portfolio.job);
    box.append(bar);
    follow(portfolio.job, tell).then(() => get(`/v1/portfolios/${portfolio.portfolio_id}`)).then((now) => box.replaceWith(card(now)));
  }
  return box;
}

attempt(null, async () => {
  // New files for a portfolio wait on its own page.
  const portfolios = (await all("/v1/portfolios")).filter((each) => !each.facts.update_of);
  byId("list").replaceChildren(...(portfolios.length
    ? [element("div", { class: "grid" }, portfolios.map(card))]
    : [element("div", { class: "empty-state" }, element("p", {}, say("no_portfolios")), element("p", { class: "soft" }, say("no_portfolios_hint")))]));
});
