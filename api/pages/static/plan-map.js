// A map of territories and customers to click on: the drawing is the library's, the tools around it are the service's.

import { element, placed, shortened } from "./elements.js";
import { GroundLayer, Scene, territoryColour } from "./ground.js";
import { byId, number, say, signedPercent } from "./base.js";

const MARK = { color: "#0b62c4", weight: 2, fill: false, interactive: false };
const MEASURES = ["potential", "workload"];
const [DRAGGED_FROM, MOST_GHOSTS] = [5, 200];

export class PlanMap {
  // hears: {customer(i, isAdded), territory(i), place({lat, lng}), drop([i, ...], territory)}
  constructor(told, hears) {
    this.hears = hears;
    this.state = {
      view: null, colour: "potential", tiles: null, onlyMoved: false, showToday: true, showCustomers: true,
      showNames: true, customer: null, territory: null, homeZoom: null,
    };
    this.map = L.map("map", { zoomControl: false, zoomSnap: 0.25, attributionControl: false, boxZoom: false });
    this.map.getContainer().setAttribute("role", "application");
    this.map.getContainer().setAttribute("aria-label", say("map_label"));
    this.scene = new Scene(told);
    this.state.view = this.scene.finalView;
    this.layer = new GroundLayer(this.scene, this.state);
    this.showEverything(false);
    this.layer.addTo(this.map);
    this.pen = L.canvas({ padding: 0.35 });
    this.marks = L.layerGroup().addTo(this.map);
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.map);
    this.chosen = [];
    this._listen();
    if (hears.drop) this._letDrag();
    this.render();
  }

  // The plan as it is now: the reader stays where he was.
  show(told) {
    this.scene = new Scene(told);
    this.layer._scene = this.scene;
    this.layer.redraw();
  }

  change(changes) {
    Object.assign(this.state, changes);
    this.render();
  }

  render() {
    const { scene, state } = this;
    const views = byId("views");
    views.hidden = !scene.canCompare;
    this._segment(views, "view", say("show_territories"), scene.views, state.view);
    this._segment(byId("colours"), "colour", say("colour_by"), [...MEASURES, "territory"], state.colour);
    this._key();
    this.layer.redraw();
  }

  // Mark these customers, and nobody else.
  choose(customers, { zoom = false } = {}) {
    const [customer] = customers;
    const { wx, wy } = this.scene;
    this.chosen = customers;
    this.state.territory = null;
    this.state.customer = customers.length === 1 ? customer : null;
    this.marks.clearLayers();
    if (customers.length > 1) {
      for (const i of customers) this.marks.addLayer(L.circleMarker(this._latLng(wx[i], wy[i]), { ...MARK, radius: this.layer.radius(i) + 2.5, renderer: this.pen }));
    }
    this.layer.redraw();
    if (!zoom) return;
    const nearer = Math.max(this.map.getZoom(), Math.min(13, this.state.homeZoom + 3));
    this.map.setView(this._latLng(wx[customer], wy[customer]), nearer, this._motion());
  }

  chooseTerritory(territory) {
    this.choose([]);
    this.state.territory = territory;
    this.layer.redraw();
    const box = this.scene.groundBounds(territory, this.state.view);
    if (box) this.map.fitBounds(this._latLngBounds(box), { padding: [30, 50], maxZoom: 13, ...this._motion() });
  }

  // Customers that lie within what is on the screen.
  shown() {
    const bounds = this.map.getBounds();
    const [low, high] = [this.map.project(bounds.getNorthWest(), 0), this.map.project(bounds.getSouthEast(), 0)];
    const { wx, wy, count } = this.scene;
    return Array.from({ length: count }, (_, i) => i).filter((i) => wx[i] >= low.x && wx[i] <= high.x && wy[i] >= low.y && wy[i] <= high.y);
  }

  onMoved(act) {
    this.map.on("moveend resize", act);
  }

  // Draw a line around customers, with a mouse, a pen or a finger: resolves with those {found} inside, with none when the
  // reader gives up (Esc, or the button once more), and whether they are added to those chosen before (Shift).
  lasso() {
    const box = this.map.getContainer();
    this.map.dragging.disable();
    this.isBusy = true;
    box.classList.add("lassoing");
    const line = L.polyline([], { color: "#0b62c4", weight: 2, dashArray: "4 4" }).addTo(this.map);
    return new Promise((resolve) => {
      let pointer = null;
      const add = (event) => event.pointerId === pointer && line.addLatLng(this.map.mouseEventToLatLng(event));
      const start = (event) => {
        if (pointer !== null || event.target.closest("button, label")) return;
        event.preventDefault();
        pointer = event.pointerId;
        box.setPointerCapture(pointer);
        add(event);
      };
      const lift = (event) => event.pointerId === pointer && end(event.type === "pointerup", event.shiftKey);
      const hears = { pointerdown: start, pointermove: add, pointerup: lift, pointercancel: lift };
      const end = (isDrawn, isAdded = false) => {
        const ring = line.getLatLngs().map((at) => this.map.project(at, 0));
        for (const [name, act] of Object.entries(hears)) box.removeEventListener(name, act);
        document.removeEventListener("keydown", stop);
        box.classList.remove("lassoing");
        line.remove();
        this.isBusy = false;
        this.map.dragging.enable();
        this._isMuted = true; // the click that ends the drawing chooses nobody
        setTimeout(() => { this._isMuted = false; }, 50);
        resolve({ found: isDrawn && ring.length > 2 ? this._inside(ring) : [], isAdded });
      };
      const stop = (event) => event.key === "Escape" && end(false);
      for (const [name, act] of Object.entries(hears)) box.addEventListener(name, act);
      document.addEventListener("keydown", stop);
      this.giveUp = () => end(false);
    });
  }

  // A customer follows the pointer, and with it all that are chosen with it. A finger drags only what is chosen already:
  // else nobody could move the map.
  _letDrag() {
    const box = this.map.getContainer();
    box.addEventListener("pointerdown", (event) => {
      if (event.button || this.isBusy || !this.canDrag?.() || !event.isPrimary || event.target.closest("button, label")) return;
      const at = this.map.mouseEventToLatLng(event);
      const taken = this.layer.customersAt(at, event.pointerType === "mouse" ? 2 : 12).find((i) =>
        event.pointerType === "mouse" || this.chosen.includes(i));
      if (taken === undefined) return;
      this._drag(event, this.chosen.includes(taken) ? this.chosen : [taken]);
    }, { capture: true });
  }

  _drag(began, customers) {
    const box = this.map.getContainer();
    const { scene } = this;
    this.map.dragging.disable();
    let ghosts = null;
    let territory = -1;
    const move = (event) => {
      if (event.pointerId !== began.pointerId) return;
      const [dx, dy] = [event.clientX - began.clientX, event.clientY - began.clientY];
      if (!ghosts && Math.hypot(dx, dy) < DRAGGED_FROM) return;
      event.preventDefault();
      ghosts ??= this._ghosts(customers);
      const here = this._territoryAt(this.map.mouseEventToLatLng(event));
      for (const { mark, from } of ghosts) mark.setLatLng(this.map.layerPointToLatLng(from.add([dx, dy])));
      if (here !== territory) {
        territory = here;
        this.state.territory = here < 0 ? null : here;
        this.layer.redraw();
      }
      this._tip(this.map.mouseEventToContainerPoint(event), this._called(customers), here < 0 ? say("drop_nowhere") : say("drop_here", { territory: scene.territories[here].name }));
    };
    const end = (event) => {
      if (event.type === "keydown" ? event.key !== "Escape" : event.pointerId !== began.pointerId) return;
      document.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel", "keydown"]) document.removeEventListener(name, end);
      this.map.dragging.enable();
      box.classList.remove("dragging");
      if (!ghosts) return; // it was a click
      for (const { mark } of ghosts) mark.remove();
      byId("tip").hidden = true;
      this.state.territory = null;
      this.layer.redraw();
      this._isMuted = true; // the click that ends the dragging chooses nobody
      setTimeout(() => { this._isMuted = false; }, 50);
      if (event.type === "pointerup" && territory >= 0) this.hears.drop(customers, territory);
    };
    document.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", "keydown"]) document.addEventListener(name, end);
  }

  _called(customers) {
    const { id, name } = this.scene.customers;
    return customers.length > 1 ? say("dragged", { count: customers.length }) : name[customers[0]] || id[customers[0]];
  }

  _ghosts(customers) {
    const { wx, wy } = this.scene;
    this.map.getContainer().classList.add("dragging");
    return customers.slice(0, MOST_GHOSTS).map((i) => {
      const at = this._latLng(wx[i], wy[i]);
      const mark = L.circleMarker(at, { ...MARK, fill: true, fillOpacity: 0.5, radius: this.layer.radius(i) + 3, renderer: this.pen }).addTo(this.map);
      return { mark, from: this.map.latLngToLayerPoint(at) };
    });
  }

  _inside(ring) {
    const { scene } = this;
    const found = [];
    for (let i = 0; i < scene.count; i++) {
      let isInside = false;
      for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
        const [p, q] = [ring[a], ring[b]];
        if (p.y > scene.wy[i] !== q.y > scene.wy[i] && scene.wx[i] < p.x + ((scene.wy[i] - p.y) / (q.y - p.y)) * (q.x - p.x)) isInside = !isInside;
      }
      if (isInside) found.push(i);
    }
    return found;
  }

  showEverything(isAnimated = true) {
    const { map, scene, state } = this;
    if (!scene.count) return map.setView([20, 0], 2, { animate: false });
    map.fitBounds(this._latLngBounds(scene.bounds), {
      paddingTopLeft: [16, 52], paddingBottomRight: [16, 24], maxZoom: 15, ...(isAnimated ? this._motion() : { animate: false }),
    });
    state.homeZoom ??= map.getZoom();
    return this.layer.redraw();
  }

  _listen() {
    const { map } = this;
    map.on("click", ({ latlng, originalEvent }) => {
      if (this._isMuted) return;
      const customer = this.layer.customersAt(latlng, 6)[0];
      if (this.hears.place?.(latlng, customer)) return;
      if (customer !== undefined) this.hears.customer?.(customer, originalEvent.shiftKey);
      else {
        const territory = this._territoryAt(latlng);
        if (territory >= 0) this.hears.territory?.(territory);
      }
    });
    map.on("mousemove", (event) => this._hover(event));
    map.on("mouseout movestart", () => { byId("tip").hidden = true; });
    const tool = (key, sign, act) => element("button", { type: "button", "aria-label": say(key), title: say(key), onclick: act }, sign);
    byId("zoom").replaceChildren(
      tool("zoom_in", "+", () => map.zoomIn()), tool("zoom_out", "−", () => map.zoomOut()),
      tool("zoom_all", "⤢", () => this.showEverything()));
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  }

  _territoryAt(latlng) {
    const point = this.map.project(latlng, 0);
    return this.scene.territoryAt(point.x, point.y, this.state.view);
  }

  _hover({ latlng, containerPoint }) {
    if (this._frame || this.map.getContainer().classList.contains("dragging")) return;
    this._frame = requestAnimationFrame(() => {
      this._frame = 0;
      const { scene, state } = this;
      const customer = this.layer.customersAt(latlng, 2)[0];
      const territory = customer === undefined ? this._territoryAt(latlng) : -1;
      this.map.getContainer().classList.toggle("can-click", customer !== undefined);
      if (customer !== undefined) {
        const owner = scene.customers[state.view][customer];
        this._tip(containerPoint, scene.customers.name[customer] || scene.customers.id[customer],
          `${say("potential")} ${number(scene.customers.potential[customer])} · ${owner < 0 ? say("nobody") : scene.territories[owner].name}`);
      } else if (territory >= 0) {
        this._tip(containerPoint, scene.territories[territory].name,
          MEASURES.map((measure) => `${say(measure)} ${signedPercent(scene.deviation(territory, state.view, measure))}`).join(" · "));
      } else {
        byId("tip").hidden = true;
      }
    });
  }

  _tip(point, title, line) {
    const tip = byId("tip");
    tip.hidden = false;
    tip.replaceChildren(element("b", {}, shortened(title, 60)), element("span", {}, line));
    const room = this.map.getSize();
    const x = Math.max(4, Math.min(point.x + 14, room.x - tip.offsetWidth - 8));
    placed(tip, { transform: `translate(${Math.round(x)}px, ${Math.round(point.y + 18)}px)` });
  }

  _segment(box, name, label, values, chosen) {
    box.setAttribute("aria-label", label);
    const focused = document.activeElement?.name === name;
    box.replaceChildren(...values.map((value) => element("label", {},
      element("input", { type: "radio", name, value, checked: value === chosen, onchange: () => this.change({ [name]: value }) }),
      element("span", {}, say(value)))));
    if (focused) box.querySelector("input:checked").focus();
  }

  _key() {
    const { scene, state } = this;
    const tick = (name, key) => element("label", {},
      element("input", { type: "checkbox", checked: state[name], onchange: ({ target }) => this.change({ [name]: target.checked }) }), ` ${say(key)}`);
    byId("key").replaceChildren(...[
      state.colour === "territory" ? null : element("span", { class: "ramp" }, element("i", { class: "low" }), say("too_little"), element("i", { class: "mid" }), say("fair"), element("i", { class: "high" }), say("too_much")),
      scene.canCompare ? tick("onlyMoved", "only_moved") : null,
      tick("showCustomers", "customers"),
      scene.canCompare ? tick("showToday", "todays_borders") : null,
    ].filter(Boolean));
  }

  _latLng(x, y) {
    return this.map.unproject(L.point(x, y), 0);
  }

  _latLngBounds(box) {
    return L.latLngBounds(this._latLng(box[0], box[1]), this._latLng(box[2], box[3]));
  }

  _motion() {
    return { animate: !window.matchMedia("(prefers-reduced-motion: reduce)").matches, duration: 0.35 };
  }
}

// A dot in the territory's colour, and its name.
export function territoryName(scene, index) {
  if (index === undefined || index < 0) return element("span", { class: "soft" }, say("nobody"));
  return element("span", { class: "territory" },
    placed(element("i", { "aria-hidden": "true" }), { background: territoryColour(scene.territories[index]) }), scene.territories[index].name);
}
