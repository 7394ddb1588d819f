// A day on a map: the library's own drawing of ways and numbered stops; what is done rests in grey.

import { element } from "./elements.js";
import { DaysLayer, DaysScene } from "./ground.js";
import { byId, say } from "./base.js";

const [DONE, HERE] = ["#8a96a1", "#0b8a5f"];

const DayLayer = DaysLayer.extend({
  _disc(x, y, radius, colour, edge) {
    DaysLayer.prototype._disc.call(this, x, y, radius, this._isDone ? DONE : colour, edge);
  },

  // The rest of a day begins where the rep stood when it was planned anew, which is no house.
  _drawHome(place) {
    const [day] = this._state.shown();
    if (day.here && place === day.ends[0]) this._drawHere(place, day.here);
    else DaysLayer.prototype._drawHome.call(this, place);
  },

  _drawHere(place, label) {
    const pen = this._pen;
    const [x, y] = this._onCanvas(place);
    pen.beginPath();
    pen.arc(x, y, 17, 0, 2 * Math.PI);
    pen.fillStyle = `${HERE}40`;
    pen.fill();
    DaysLayer.prototype._disc.call(this, x, y, 8, HERE, 3);
    pen.font = "650 12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 4;
    pen.strokeStyle = "#ffffff";
    const beside = y < 40 ? y + 27 : y - 27;
    pen.strokeText(label, x, beside);
    pen.fillStyle = HERE;
    pen.fillText(label, x, beside);
  },

  // The stops to come lie above those that are done.
  _drawStops(day, isOnly) {
    const every = day.places;
    const wanted = (isDone) => every.map((place, stop) => (day.stops[stop].isDone === isDone ? place : null));
    for (const isDone of [true, false]) {
      this._isDone = isDone;
      this._drawSome(day, wanted(isDone), isOnly);
    }
    this._isDone = false;
  },

  _drawSome(day, places, isOnly) {
    const pen = this._pen;
    for (const stop of [...places.keys()].reverse()) {
      if (!places[stop]) continue;
      const [x, y] = this._onCanvas(places[stop]);
      this._disc(x, y, isOnly && this._state.stop === stop ? 16 : 12, "#0b62c4", 2);
      pen.font = "650 12px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillStyle = "#ffffff";
      pen.fillText(day.stops[stop].label, x, y + 0.5);
    }
  },
});

export class DayMap {
  // hears: {stop(customer_id)}
  constructor(hears) {
    this.state = { tiles: null, stop: null, day: () => this.scene.days[0], shown: () => this.scene.days };
    this.scene = new DaysScene({ origin: [0, 0], degree: 1, days: [] });
    this.map = L.map("map", { zoomControl: false, zoomSnap: 0.25, attributionControl: false, boxZoom: false });
    this.map.setView([20, 0], 2, { animate: false });
    this.layer = new DayLayer(this.scene, this.state);
    this.layer.addTo(this.map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
    const box = this.map.getContainer();
    box.setAttribute("role", "application");
    box.setAttribute("aria-label", say("day_map_label"));
    this.map.on("click", ({ latlng }) => {
      const [found] = this.scene.days.length ? this.layer.stopsAt(latlng, 6) : [];
      if (found) hears.stop(found.day.stops[found.stop].customer_id);
    });
    const tool = (key, sign, act) => element("button", { type: "button", "aria-label": say(key), title: say(key), onclick: act }, sign);
    byId("zoom").replaceChildren(
      tool("zoom_in", "+", () => this.map.zoomIn()), tool("zoom_out", "−", () => this.map.zoomOut()),
      tool("zoom_all", "⤢", () => this.showEverything()));
    new ResizeObserver(() => {
      this.map.invalidateSize({ animate: false });
      this.showEverything();
    }).observe(box);
  }

  // stops: those of the route, each with `label` and `isDone`; here: what to write where it begins, when that is no home.
  show(route, stops, here = "") {
    const steps = (line) => line.flatMap(([x, y], i) => (i ? [x - line[i - 1][0], y - line[i - 1][1]] : [x, y]));
    const told = {
      rep: 0, date: route.day, legs: route.legs.filter((leg) => leg.length > 1).map(steps), begin: route.begin, end: route.end, here,
      stops: stops.map((stop) => ({ ...stop, x: stop.lon, y: stop.lat })),
    };
    this.scene = new DaysScene({ origin: [0, 0], degree: 1, days: [told] });
    this.layer._scene = this.scene;
    this.state.stop = null;
    this.showEverything();
  }

  choose(customer) {
    const day = this.scene.days[0];
    const stop = day ? day.stops.findIndex(({ customer_id: id }) => id === customer) : -1;
    this.state.stop = stop < 0 ? null : stop;
    this.layer.redraw();
    if (stop >= 0) this.map.panInside(this._latLng(day.places[stop]), { padding: [40, 40] });
  }

  showEverything() {
    const { days } = this.scene;
    if (!days.length) return;
    const [west, north, east, south] = this.scene.bounds(days);
    this.map.fitBounds(L.latLngBounds(this._latLng([west, north]), this._latLng([east, south])), {
      paddingTopLeft: [28, 28], paddingBottomRight: [56, 36], maxZoom: 15, animate: false,
    });
    this.layer.redraw();
  }

  _latLng([x, y]) {
    return this.map.unproject(L.point(x, y), 0);
  }
}
