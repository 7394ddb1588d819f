// The figures beside the map: the verdict, a bar for each territory and measure, who moves, who has no place.

const MEASURES = ["potential", "workload"];
const LIST_STEP = 50;

class Panel {
  constructor(page) {
    this.page = page;
    this.order = "deviation";
    this.shown = { moves: LIST_STEP, unplaced: LIST_STEP };
    this.isOpen = { moves: false, unplaced: false };
  }

  render() {
    const { scene, words } = this.page;
    const figures = document.getElementById("figures");
    const scrolled = figures.scrollTop;
    const focused = figures.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    document.getElementById("title").textContent =
      scene.title || words.say(scene.kind === "proposal" ? "titleProposal" : "titlePortfolio");
    document.getElementById("subtitle").textContent = words.say("subtitle", {
      customers: words.whole.format(scene.count),
      territories: words.whole.format(scene.territories.length),
    });
    figures.replaceChildren(
      this._verdict(),
      this._tiles(),
      ...this._reasons(),
      this._balance(),
      ...(scene.canCompare ? [this._moves()] : []),
      this._unplaced(),
      this._footer(),
    );
    figures.scrollTop = scrolled;
    if (focused) figures.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  }

  _tolerance(measure) {
    return this.page.scene.facts.tolerance[measure];
  }

  _isWithin(deviation, measure) {
    return deviation === null || Math.abs(deviation) <= this._tolerance(measure) + 1e-9;
  }

  // In words: is it fair, and who is furthest off.
  _verdict() {
    const { scene, words, state } = this.page;
    if (!scene.territories.length) return element("p", { class: "verdict plain" }, words.say("verdictNone"));
    const found = MEASURES.map((measure) => ({ measure, ...scene.worst(state.view, measure) }))
      .filter((worst) => worst.deviation !== undefined);
    const excess = ({ deviation, measure }) => Math.abs(deviation) / (this._tolerance(measure) || 1e-9);
    found.sort((a, b) => excess(b) - excess(a));
    const worst = found[0];
    if (!worst) return element("p", { class: "verdict plain" }, words.say("verdictNone"));
    const isFair = found.every(({ deviation, measure }) => this._isWithin(deviation, measure));
    const territory = scene.territories[worst.territory].name;
    const measure = words.language === "en" ? words.say(worst.measure).toLowerCase() : words.say(worst.measure);
    const line = isFair
      ? words.say("verdictFair")
      : words.say(worst.deviation > 0 ? "verdictUnfair" : "verdictUnfairLess", {
          territory, measure, amount: words.percent(Math.abs(worst.deviation)),
        });
    const detail = isFair
      ? words.say("verdictWorst", { territory, measure, deviation: words.deviation(worst.deviation) })
      : words.say("verdictBand", {
          potential: words.percent(this._tolerance("potential")), workload: words.percent(this._tolerance("workload")),
        });
    return element("div", { class: `verdict ${isFair ? "fair" : "unfair"}`, role: "status" },
      element("span", { class: "mark", "aria-hidden": "true" }, isFair ? "✓" : "!"),
      element("div", {}, element("strong", {}, line), element("span", {}, detail)));
  }

  _tiles() {
    const { scene, words } = this.page;
    const say = (key, values) => words.say(key, values);
    const worst = (view, measure) => Math.abs(scene.worst(view, measure)?.deviation ?? 0);
    const tiles = [];
    for (const measure of MEASURES) {
      const values = scene.views.map((view) => words.percent(worst(view, measure)));
      const isWithin = this._isWithin(worst(scene.finalView, measure), measure);
      const key = measure === "potential" ? "tilePotential" : "tileWorkload";
      tiles.push(tile(say(key), values, null, isWithin ? "good" : "bad"));
    }
    if (scene.canCompare) {
      const share = words.percent(scene.count ? scene.movedCount / scene.count : 0);
      tiles.push(tile(say("tileMoved"), [words.whole.format(scene.movedCount)], `${share} · ${this._movedPotential()}`));
    }
    const whole = (view) => scene.territories.filter((t) => (t.measures[view]?.pieces ?? 0) <= 1).length;
    const all = scene.territories.length;
    tiles.push(tile(say("tilePieces"), [say("tilePiecesOf", { count: whole(scene.finalView), all })],
      null, whole(scene.finalView) === all ? "good" : "bad"));
    if (scene.facts.gap !== undefined && scene.facts.gap !== null) {
      tiles.push(tile(say("tileGap"), [words.percent(scene.facts.gap)]));
    }
    const unassigned = scene.customers[scene.finalView].filter((owner) => owner < 0).length;
    if (unassigned) tiles.push(tile(say("tileUnassigned"), [words.whole.format(unassigned)], null, "bad"));
    return element("div", { class: "tiles" }, tiles);
  }

  _movedPotential() {
    const { scene, words } = this.page;
    let moved = 0;
    let total = 0;
    scene.customers.potential.forEach((potential, i) => {
      total += potential;
      if (scene.isMoved[i]) moved += potential;
    });
    return words.say("tileMovedPotential", { share: words.percent(total ? moved / total : 0) });
  }

  _reasons() {
    const { scene, words } = this.page;
    if (!scene.facts.reasons.length) return [];
    return [element("section", { class: "reasons" },
      element("h2", {}, words.say("reasons")),
      element("ul", {}, scene.facts.reasons.map(([english, chinese]) => element("li", {}, (words.language === "zh" && chinese) || english))))];
  }

  _balance() {
    const { scene, words } = this.page;
    const sort = element("select", {
      id: "sort", "data-key": "sort", "aria-label": words.say("sort"),
      onchange: (event) => { this.order = event.target.value; this.render(); },
    }, ["deviation", "name"].map((order) =>
      element("option", { value: order, selected: order === this.order },
        words.say(order === "name" ? "sortName" : "sortDeviation"))));
    const head = element("div", { class: "row row-head", "aria-hidden": "true" },
      element("span", {}, words.say("territory")), MEASURES.map((measure) => element("span", {}, words.say(measure))));
    const axis = this._axis();
    return element("section", { class: "balance" },
      element("div", { class: "section-head" }, element("h2", {}, words.say("balance")), sort),
      element("p", { class: "hint" }, words.say("balanceHint")),
      head,
      element("div", { class: "rows" }, this._ordered().map((territory) => this._row(territory, axis))));
  }

  _ordered() {
    const { scene, state } = this.page;
    const all = scene.territories.map((_, territory) => territory);
    if (this.order === "name") return all;
    const excess = (territory) => Math.max(...MEASURES.map((measure) =>
      Math.abs(scene.deviation(territory, state.view, measure) ?? 0) / (this._tolerance(measure) || 1e-9)));
    return all.sort((a, b) => excess(b) - excess(a) || a - b);
  }

  // One axis for all bars, on a square-root scale: 300 % before and 5 % after can both be read.
  _axis() {
    const { scene } = this.page;
    let low = 0;
    let high = 0;
    for (const measure of MEASURES) {
      low = Math.max(low, Math.sqrt(2 * this._tolerance(measure)));
      high = Math.max(high, Math.sqrt(2 * this._tolerance(measure)));
      scene.territories.forEach((_, territory) => {
        for (const view of scene.views) {
          const deviation = scene.deviation(territory, view, measure) ?? 0;
          if (deviation < 0) low = Math.max(low, Math.sqrt(-deviation));
          else high = Math.max(high, Math.sqrt(deviation));
        }
      });
    }
    return (deviation) => (100 * (low + Math.sign(deviation) * Math.sqrt(Math.abs(deviation)))) / (low + high || 1);
  }

  _row(territory, axis) {
    const { scene, words, state } = this.page;
    const { name, rep } = scene.territories[territory];
    const told = MEASURES.map((measure) => `${words.say(measure)} ${this._told(territory, measure)}`).join(", ");
    return element("button", {
      class: "row", type: "button", "data-key": `territory-${territory}`,
      "aria-label": `${name}: ${told}`, "aria-pressed": String(state.territory === territory),
      onclick: () => this.page.openTerritory(territory, { zoom: true }),
    },
    element("span", { class: "row-name" },
      placed(element("i", { class: "swatch" }), { background: territoryColour(scene.territories[territory]) }),
      element("span", {}, element("b", {}, name), element("small", {}, rep ?? words.say("vacant")))),
    MEASURES.map((measure) => this._lane(territory, measure, axis)));
  }

  _told(territory, measure) {
    const { scene, words } = this.page;
    return scene.views.map((view) => words.deviation(scene.deviation(territory, view, measure))).join(" → ");
  }

  _lane(territory, measure, axis) {
    const { scene, words, state } = this.page;
    const tolerance = this._tolerance(measure);
    const left = axis(-tolerance);
    const lane = element("span", { class: scene.canCompare ? "lane" : "lane single" },
      placed(element("i", { class: "band" }), { left: `${left}%`, width: `${axis(tolerance) - left}%` }),
      placed(element("i", { class: "zero" }), { left: `${axis(0)}%` }));
    for (const view of scene.views) {
      const deviation = scene.deviation(territory, view, measure);
      if (deviation === null) continue;
      const ends = [axis(0), axis(deviation)].sort((a, b) => a - b);
      const side = this._isWithin(deviation, measure) ? "within" : deviation > 0 ? "over" : "under";
      lane.append(placed(element("i", { class: `amount ${view} ${side} ${view === state.view ? "current" : ""}` }),
        { left: `${ends[0]}%`, width: `max(2px, ${ends[1] - ends[0]}%)` }));
    }
    const values = scene.views.map((view) => element("span", { class: view === state.view ? "current" : "" },
      words.deviation(scene.deviation(territory, view, measure))));
    if (values.length > 1) values.splice(1, 0, element("i", {}, "→"));
    return element("span", { class: "measure" }, lane, element("span", { class: "values" }, values));
  }

  _moves() {
    const { scene, words } = this.page;
    const moved = Array.from(scene.order).filter((customer) => scene.isMoved[customer]);
    return this._list("moves", words.say("moves"), moved, words.say("movesNone"), (customer) =>
      element("button", {
        class: "item", type: "button", "data-key": `customer-${customer}`,
        onclick: () => this.page.openCustomer(customer, { zoom: true }),
      },
        element("span", {}, element("b", {}, customerTitle(scene, customer)),
          element("small", {}, this.page.routeOf(customer))),
        element("span", { class: "amount-text" }, words.number(scene.customers.potential[customer]))));
  }

  _unplaced() {
    const { scene, words } = this.page;
    return this._list("unplaced", words.say("unplaced"), scene.unplaced, words.say("unplacedNone"), ([id, name, reason]) =>
      element("div", { class: "item" },
        element("span", {}, element("b", {}, name ? `${name} · ${id}` : id), element("small", {}, reason))));
  }

  _list(key, heading, items, empty, draw) {
    const { words } = this.page;
    const body = items.length
      ? items.slice(0, this.shown[key]).map(draw)
      : [element("p", { class: "empty" }, empty)];
    const left = items.length - this.shown[key];
    if (left > 0) {
      body.push(element("button", {
        class: "more", type: "button", "data-key": `more-${key}`,
        onclick: () => { this.shown[key] += LIST_STEP * 4; this.render(); },
      }, words.say("showMore", { count: words.whole.format(Math.min(left, LIST_STEP * 4)) })));
    }
    return element("details", {
      class: "list", id: key, open: this.isOpen[key],
      ontoggle: (event) => { this.isOpen[key] = event.target.open; },
    }, element("summary", { "data-key": `summary-${key}` }, element("h2", {}, heading), element("span", { class: "count" }, words.whole.format(items.length))),
    element("div", { class: "items" }, body));
  }

  _footer() {
    const { scene, words } = this.page;
    const { travel, seed } = scene.facts;
    const told = { none: "travelNone", line: "travelLine", roads: "travelRoads" }[travel];
    const lines = [words.say("workloadCounts", { travel: told ? words.say(told) : "" })];
    if (seed !== undefined) lines.push(words.say("seed", { seed }));
    return element("footer", {}, element("p", {}, lines.join(" ")), element("p", { class: "keys" }, words.say("keys")));
  }
}

function tile(label, values, note, tone) {
  const shown = values.length > 1
    ? [element("s", {}, values[0]), element("i", { "aria-hidden": "true" }, "→"), element("b", { class: tone || "" }, values[1])]
    : [element("b", { class: tone || "" }, values[0])];
  return element("div", { class: "tile" },
    element("span", { class: "tile-label" }, label),
    element("span", { class: "tile-value" }, shown),
    note ? element("span", { class: "tile-note" }, note) : null);
}

function customerTitle(scene, customer) {
  return scene.customers.name[customer] || scene.customers.id[customer];
}
