// Ties the parts together: one state, and what happens when the reader changes it.

class Page extends Frame {
  constructor(map, told) {
    super(map, new Words(firstLanguage(told.language)));
    this.saying = { map: "mapLabel", empty: "noCustomers" };
    this.scene = new Scene(told);
    this.state = {
      view: this.scene.finalView,
      colour: "potential",
      tiles: told.tiles,
      onlyMoved: false,
      showToday: true,
      showCustomers: true,
      showNames: true,
      customer: null,
      territory: null,
      homeZoom: null,
    };
    this.layer = new GroundLayer(this.scene, this.state);
    this.panel = new Panel(this);
    this.card = new Card(this);
    this.search = new Search(this);
    if (window.innerWidth < 760) document.getElementById("legend").open = false;
    this._showEverything(false);
    this.layer.addTo(map);
    this.scale = L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    this._listen();
    this.render();
  }

  _renderParts() {
    this._renderSegments();
    this._renderLegend();
    this.panel.render();
    this.search.render();
    this.card.render();
  }

  change(changes) {
    Object.assign(this.state, changes);
    this.render();
  }

  openCustomer(customer, { zoom = false } = {}) {
    if (this.state.onlyMoved && !this.scene.isMoved[customer]) this.state.onlyMoved = false;
    this.change({ customer, territory: null, showCustomers: true });
    if (!zoom) return;
    const { wx, wy } = this.scene;
    const nearer = Math.max(this.map.getZoom(), Math.min(14, this.state.homeZoom + 3.5));
    this._lookAt(() => this.map.setView(this._latLng(wx[customer], wy[customer]), nearer, this._motion()));
    this._lowerSheet();
  }

  openTerritory(territory, { zoom = false } = {}) {
    this.change({ territory, customer: null });
    const box = this.scene.groundBounds(territory, this.state.view);
    if (!zoom || !box) return;
    this._lookAt(() => this.map.fitBounds(this._latLngBounds(box), { ...this._room(true), maxZoom: 14, ...this._motion() }));
    this._lowerSheet();
  }

  close() {
    this.change({ customer: null, territory: null });
  }

  ownerName(customer, view) {
    const owner = this.scene.customers[view][customer];
    return owner < 0 ? this.words.say("nobody") : this.scene.territories[owner].name;
  }

  // "T1 → T3" for one who moves, else the territory.
  routeOf(customer) {
    const to = this.ownerName(customer, this.scene.finalView);
    return this.scene.isMoved[customer] ? `${this.ownerName(customer, "before")} → ${to}` : to;
  }

  _onClick({ latlng }) {
    const customer = this.layer.customersAt(latlng, 5)[0];
    if (customer !== undefined) return this.openCustomer(customer);
    const territory = this._territoryAt(latlng);
    return territory >= 0 ? this.openTerritory(territory) : this.close();
  }

  _territoryAt(latlng) {
    const point = this.map.project(latlng, 0);
    return this.scene.territoryAt(point.x, point.y, this.state.view);
  }

  _hover({ latlng, containerPoint }) {
    const customer = this.layer.customersAt(latlng, 2)[0];
    const territory = customer === undefined ? this._territoryAt(latlng) : -1;
    this.map.getContainer().classList.toggle("can-click", customer !== undefined);
    if (customer !== undefined) {
      this._tip(containerPoint, customerTitle(this.scene, customer),
        `${this.words.say("potential")} ${this.words.number(this.scene.customers.potential[customer])} · ${this.routeOf(customer)}`);
    } else if (territory >= 0) {
      const told = MEASURES.map((measure) =>
        `${this.words.say(measure)} ${this.words.deviation(this.scene.deviation(territory, this.state.view, measure))}`);
      this._tip(containerPoint, this.scene.territories[territory].name, told.join(" · "));
    } else {
      this._hideTip();
    }
  }

  _onKey(event) {
    const isTyping = event.target.matches("input[type=text], select, textarea");
    if (event.key === "Escape" && !isTyping) this.close();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "/") {
      event.preventDefault();
      this.search.input.focus();
    } else if (this.scene.canCompare && (key === "b" || key === "a")) {
      this.change({ view: key === "b" ? "before" : "after" });
    }
  }

  _renderSegments() {
    const { words, scene, state } = this;
    const views = document.getElementById("views");
    views.hidden = !scene.canCompare;
    this._segment(views, "view", words.say("viewLabel"), scene.views, state.view);
    this._segment(document.getElementById("colours"), "colour", words.say("colourLabel"),
      [...MEASURES, "territory"], state.colour);
  }

  _segment(box, name, label, values, chosen) {
    box.setAttribute("aria-label", label);
    const focused = document.activeElement?.name === name;
    box.replaceChildren(...values.map((value) => element("label", {},
      element("input", {
        type: "radio", name, value, checked: value === chosen, onchange: () => this.change({ [name]: value }),
      }),
      element("span", {}, this.words.say(value)))));
    if (focused) box.querySelector("input:checked").focus();
  }

  _renderLegend() {
    const { words, scene, state } = this;
    const legend = document.getElementById("legend");
    const focused = document.activeElement?.name;
    const box = (name, key) => element("label", { class: "choice" },
      element("input", {
        type: "checkbox", name, checked: state[name], onchange: (event) => this.change({ [name]: event.target.checked }),
      }), element("span", {}, words.say(key)));
    legend.replaceChildren(
      element("summary", {}, words.say("display")),
      element("div", { class: "legend-parts" },
        state.colour === "territory" ? null : this._indexLegend(),
        element("div", { class: "legend-signs" },
          this._sign("dot", words.say("legendSize")),
          scene.canCompare ? this._sign("ring", words.say("legendMoved")) : null,
          scene.canCompare && state.showToday ? this._sign("dash", words.say("legendToday")) : null),
        element("div", { class: "choices" },
          scene.canCompare ? box("onlyMoved", "showMoved") : null,
          box("showCustomers", "showCustomers"),
          scene.canCompare ? box("showToday", "showToday") : null,
          box("showNames", "showNames"))));
    if (focused) legend.querySelector(`[name="${focused}"]`)?.focus();
  }

  _sign(kind, text) {
    return element("span", { class: "sign" }, element("i", { class: `sign-${kind}` }), element("span", {}, text));
  }

  _indexLegend() {
    const { words, scene, state } = this;
    const tolerance = scene.facts.tolerance[state.colour];
    const at = (deviation) => 50 * (1 + rootScale(deviation));
    const stops = INDEX_STOPS.map(([stop, channels]) => `rgb(${channels.join(",")}) ${50 * (1 + stop)}%`);
    const tick = (deviation, text) =>
      placed(element("span", {}, text ?? words.whole.format(100 * (1 + deviation))), { left: `${at(deviation)}%` });
    return element("div", { class: "ramp" },
      element("b", {}, words.say("legendIndex", { measure: words.say(state.colour) })),
      placed(element("div", { class: "ramp-bar" },
        placed(element("i", { class: "ramp-band", title: words.say("legendBand") }),
          { left: `${at(-tolerance)}%`, width: `${at(tolerance) - at(-tolerance)}%`, background: FAIR })),
      { background: `linear-gradient(90deg, ${stops.join(", ")})` }),
      element("div", { class: "ramp-ticks" },
        tick(-1), tick(-0.25), tick(-tolerance), tick(tolerance), tick(0.25), tick(1, `${words.whole.format(200)}+`)));
  }

  _showEverything(isAnimated) {
    const { map, scene, state } = this;
    if (!scene.count) {
      map.setView([20, 0], 2, { animate: false });
      state.homeZoom = 2;
      return;
    }
    const motion = isAnimated ? this._motion() : { animate: false };
    map.fitBounds(this._latLngBounds(scene.bounds), { ...this._room(), maxZoom: 15, ...motion });
    state.homeZoom ??= map.getZoom();
    this.layer.redraw();
  }

  // What the tools, an open card and, on a phone, the sheet cover of the map.
  _room(hasCard) {
    if (window.matchMedia("print").matches) return { padding: [16, 16] };
    if (window.innerWidth < 760) return { paddingTopLeft: [20, 112], paddingBottomRight: [20, hasCard ? 330 : 200] };
    const bottom = document.getElementById("legend").open ? 128 : 64;
    return { paddingTopLeft: [24, 76], paddingBottomRight: [hasCard ? 350 : 24, bottom] };
  }

  _motion() {
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    return { animate: !isStill, duration: 0.35 };
  }

  _lookAt(move) {
    this._hideTip();
    move();
  }

  _lowerSheet() {
    if (document.getElementById("panel").classList.contains("up")) {
      this._moveSheet();
      document.getElementById("figures").scrollTop = 0;
    }
  }
}

function openPage(map) {
  return new Page(map, JSON.parse(document.getElementById("scene").textContent));
}
