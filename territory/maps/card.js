// The facts of what was clicked: a customer or a territory.

class Card {
  constructor(page) {
    this.page = page;
    this.box = document.getElementById("card");
  }

  render() {
    const { state } = this.page;
    if (state.customer !== null) this._show(this._customer(state.customer));
    else if (state.territory !== null) this._show(this._territory(state.territory));
    else this.box.hidden = true;
  }

  _show(content) {
    this.box.hidden = false;
    this.box.replaceChildren(...content);
    this.box.scrollTop = 0;
  }

  _head(title, line, colour) {
    const { words } = this.page;
    return element("header", {},
      placed(element("i", { class: "swatch" }), { background: colour }),
      element("div", {}, element("h2", {}, title), element("p", {}, line)),
      element("button", {
        class: "quiet close", type: "button", "aria-label": words.say("close"), onclick: () => this.page.close(),
      }, "×"));
  }

  _customer(customer) {
    const { scene, words } = this.page;
    const held = scene.customers;
    const owner = scene.territories[held[scene.finalView][customer]];
    const state = !scene.canCompare ? this.page.ownerName(customer, scene.finalView)
      : scene.isMoved[customer] ? words.say("moved") : held.before[customer] < 0 ? words.say("first") : words.say("stays");
    const facts = [
      ["id", held.id[customer]],
      ["tier", held.tiers[held.tier[customer]] ?? "–"],
      ["potentialYear", words.number(held.potential[customer])],
      ["workloadYear", words.hours(held.workload[customer])],
      ["visits", words.number(held.visits[customer])],
      ["minutes", words.number(held.minutes[customer])],
    ];
    if (scene.canCompare) {
      facts.push(["from", this.page.ownerName(customer, "before")], ["to", this.page.ownerName(customer, "after")]);
    } else {
      facts.push(["territory", this.page.ownerName(customer, scene.finalView)]);
    }
    const move = scene.moveOf.get(customer);
    if (move) facts.push(["reason", words.reason(move, this.page.ownerName(customer, "before"), this.page.ownerName(customer, "after"))], ["price", words.number(move[2])], ["runnerUp", move[3] || words.say("nobody")]);
    return [
      this._head(customerTitle(scene, customer), state, territoryColour(owner)),
      this._facts(facts.map(([key, value]) => [words.say(key), value])),
      this._companions(customer),
    ];
  }

  _companions(customer) {
    const { scene, words } = this.page;
    const here = scene.companions(customer);
    if (here.length < 2) return "";
    const number = here.indexOf(customer);
    const step = (by, key, sign) => element("button", {
      class: "quiet", type: "button", "aria-label": words.say(key),
      onclick: () => this.page.openCustomer(here[(number + by + here.length) % here.length]),
    }, sign);
    return element("nav", { class: "companions" }, step(-1, "previous", "‹"),
      element("span", {}, words.say("here", { number: number + 1, count: here.length })), step(1, "next", "›"));
  }

  _territory(territory) {
    const { scene, words } = this.page;
    const { name, rep } = scene.territories[territory];
    const across = (tell) => scene.views.map((view) => {
      const measured = scene.measured(territory, view);
      return measured ? tell(measured) : "–";
    }).join(" → ");
    const facts = [
      ...(rep === "" ? [] : [["rep", rep ?? words.say("vacant")]]),
      ["customers", across((m) => words.whole.format(m.customers))],
      ["potentialYear", across((m) => words.number(m.potential))],
      ["workloadYear", across((m) => words.hours(m.workload_minutes))],
      ...MEASURES.map((measure) => [measure, across((m) => words.deviation(m[`deviation_${measure}`]))]),
      ["index", across((m) => `${words.number(m.index_potential)} / ${words.number(m.index_workload)}`)],
      ["capacity", across((m) => words.percent(m.capacity_use))],
      ["pieces", across((m) => words.whole.format(m.pieces))],
      ["compactness", across((m) => words.number(m.compactness))],
      ["meanKm", across((m) => (m.mean_km === null ? "–" : words.say("km", { value: words.number(m.mean_km) })))],
    ];
    if (scene.canCompare) facts.push(...this._exchange(territory));
    return [
      this._head(name, rep ?? words.say("vacant"), territoryColour(scene.territories[territory])),
      this._facts(facts.map(([key, value]) => [words.say(key), value])),
    ];
  }

  _exchange(territory) {
    const { scene, words } = this.page;
    const { before, after } = scene.customers;
    let gains = 0;
    let loses = 0;
    for (let i = 0; i < scene.count; i++) {
      if (before[i] === after[i]) continue;
      if (after[i] === territory) gains++;
      if (before[i] === territory) loses++;
    }
    return [["gains", words.whole.format(gains)], ["loses", words.whole.format(loses)]];
  }

  _facts(facts) {
    return element("dl", {}, facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }
}
