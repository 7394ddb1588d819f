// Search by customer id, customer name or territory; a combobox as WAI-ARIA describes it.

const RESULTS = 12;

class Search {
  constructor(page) {
    this.page = page;
    this.input = document.getElementById("query");
    this.list = document.getElementById("found");
    this.results = [];
    this.active = -1;
    this.input.addEventListener("input", () => this._find());
    this.input.addEventListener("focus", () => this._find());
    this.input.addEventListener("keydown", (event) => this._onKey(event));
    this.input.addEventListener("blur", () => setTimeout(() => this._close(), 150));
  }

  render() {
    const { words } = this.page;
    this.input.placeholder = words.say(window.innerWidth < 1180 ? "searchShort" : "search");
    this.input.setAttribute("aria-label", words.say("search"));
    this.list.setAttribute("aria-label", words.say("search"));
  }

  // Made at the first search: 100,000 names are not lowered for a reader who never searches.
  _texts() {
    const { id, name } = this.page.scene.customers;
    this.texts ??= id.map((text, i) => `${text}\n${name[i]}`.toLowerCase());
    return this.texts;
  }

  _find() {
    const query = this.input.value.trim().toLowerCase();
    if (!query) return this._close();
    const { scene } = this.page;
    const territories = scene.territories
      .map((territory, i) => ({ territory: i, text: `${territory.name}\n${territory.rep || ""}`.toLowerCase() }))
      .filter(({ text }) => text.includes(query));
    const first = [];
    const rest = [];
    this._texts().forEach((text, customer) => {
      const at = text.indexOf(query);
      if (at === 0 || (at > 0 && text[at - 1] === "\n")) first.push({ customer });
      else if (at > 0) rest.push({ customer });
    });
    const all = [...territories, ...first, ...rest];
    this.results = all.slice(0, RESULTS);
    this.active = this.results.length ? 0 : -1;
    return this._render(all.length - this.results.length);
  }

  _render(more) {
    const { words } = this.page;
    const options = this.results.map((result, i) => this._option(result, i));
    if (!options.length) {
      options.push(element("p", { class: "empty" }, words.say("searchNone", { query: shortened(this.input.value.trim(), 40) })));
    }
    if (more) options.push(element("p", { class: "empty" }, words.say("searchMore", { count: words.whole.format(more) })));
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this._mark();
  }

  _option(result, i) {
    const { scene, words } = this.page;
    const isTerritory = result.territory !== undefined;
    const territory = scene.territories[isTerritory ? result.territory : scene.customers[scene.finalView][result.customer]];
    const title = isTerritory ? territory.name : customerTitle(scene, result.customer);
    const line = isTerritory
      ? `${words.say("kindTerritory")}${territory.rep ? ` · ${territory.rep}` : ""}`
      : `${scene.customers.id[result.customer]} · ${this.page.routeOf(result.customer)}`;
    return element("div", {
      class: "item", role: "option", id: `found-${i}`, onmousedown: (event) => { event.preventDefault(); this._choose(i); },
    }, placed(element("i", { class: "swatch" }), { background: territoryColour(territory) }),
    element("span", {}, element("b", {}, title), element("small", {}, line)));
  }

  _mark() {
    this.list.querySelectorAll('[role="option"]').forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === this.active));
      if (i === this.active) option.scrollIntoView({ block: "nearest" });
    });
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `found-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  _onKey(event) {
    const count = this.results.length;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.list.hidden) this.input.blur();
      this._close();
    } else if (event.key === "Enter" && this.active >= 0 && !this.list.hidden) {
      this._choose(this.active);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count) {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + count) % count;
      this._mark();
    }
  }

  _choose(i) {
    const { customer, territory } = this.results[i];
    this._close();
    if (customer !== undefined) this.page.openCustomer(customer, { zoom: true });
    else this.page.openTerritory(territory, { zoom: true });
  }

  _close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
