// One canvas that draws everything: ground, borders, customers, names. It follows the map as Leaflet's own renderer does.

// Ten colours that stay apart for colour-blind readers (after Tol 2021, "Colour schemes", muted and bright).
const TERRITORY_COLOURS = [
  "#4477aa", "#ee8866", "#44a899", "#ddaa33", "#aa4499",
  "#77aadd", "#117733", "#cc6677", "#999933", "#8c6bb1",
];

// Blue below its share, orange above, grey within the tolerance: read on the same square-root scale as the bars.
const INDEX_STOPS = [
  [-1, [31, 78, 140]],
  [-0.5, [116, 163, 210]],
  [-0.2, [202, 217, 232]],
  [0, [225, 228, 228]],
  [0.2, [243, 221, 195]],
  [0.5, [235, 162, 94]],
  [1, [176, 80, 14]],
];

const FAIR = `rgb(${INDEX_STOPS.find(([stop]) => stop === 0)[1].join(",")})`;
const GREY = "#c4ccd3";
const INK = "#1b2733";
const MOVING_LIMIT = 15000;
const FULL_RADIUS = 8;

function rootScale(deviation) {
  return Math.sign(deviation) * Math.sqrt(Math.min(Math.abs(deviation), 1));
}

function indexColour(deviation, tolerance) {
  if (deviation === null || deviation === undefined) return GREY;
  if (Math.abs(deviation) <= tolerance * (1 + 1e-9)) return FAIR;
  const at = rootScale(deviation);
  const upper = Math.max(1, INDEX_STOPS.findIndex(([stop]) => stop >= at));
  const [from, low] = INDEX_STOPS[upper - 1];
  const [to, high] = INDEX_STOPS[upper];
  const part = (at - from) / (to - from);
  return `rgb(${low.map((channel, i) => Math.round(channel + (high[i] - channel) * part)).join(",")})`;
}

function territoryColour(territory) {
  return territory ? TERRITORY_COLOURS[territory.colour % TERRITORY_COLOURS.length] : GREY;
}

const GroundLayer = L.Renderer.extend({
  initialize(scene, state) {
    L.Renderer.prototype.initialize.call(this, { padding: 0.35 });
    this._scene = scene;
    this._state = state;
    this._stamps = new Map();
  },

  getEvents() {
    return { ...L.Renderer.prototype.getEvents.call(this), move: this._onMove };
  },

  redraw() {
    if (this._map && this._bounds) this._draw(false);
  },

  // Radius of a customer in pixels: its area tells its potential. Below the least radius one could not see it.
  radius(customer) {
    const part = Math.sqrt(this._scene.customers.potential[customer] / this._scene.reach);
    const least = this._scene.isMoved[customer] ? this._least + 1.2 : this._least;
    return Math.max(least, Math.min(part, 1.8) * this._full);
  },

  // Customers under a point of the map, nearest first.
  customersAt(latlng, tolerance) {
    const scene = this._scene;
    if (!scene.index || !this._state.showCustomers) return [];
    const point = this._map.project(latlng, 0);
    const scale = 2 ** this._map.getZoom();
    const distance = (i) => Math.hypot(scene.wx[i] - point.x, scene.wy[i] - point.y) * scale;
    return scene.index
      .near(point.x, point.y, (this._full * 1.8 + tolerance) / scale)
      .filter((i) => this._isShown(i) && distance(i) <= this.radius(i) + tolerance)
      .sort((a, b) => distance(a) - distance(b));
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._container.setAttribute("aria-hidden", "true");
    this._pen = this._container.getContext("2d");
  },

  _destroyContainer() {
    cancelAnimationFrame(this._frame);
    this._container.remove();
    delete this._container;
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    this._place();
    this._draw(false);
  },

  _place() {
    const size = this._bounds.getSize();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    L.DomUtil.setPosition(this._container, this._bounds.min);
    if (this._container.width !== size.x * ratio || this._container.height !== size.y * ratio) {
      this._container.width = size.x * ratio;
      this._container.height = size.y * ratio;
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
    }
    this._ratio = ratio;
  },

  // Dragged beyond what is drawn: draw anew in the next frame, with fewer customers when there are very many.
  _onMove() {
    if (this._map._animatingZoom || this._frame || !this._bounds) return;
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    if (this._bounds.contains(L.bounds(corner, corner.add(this._map.getSize())))) return;
    if (this._map.getZoom() !== this._zoom) return;
    this._frame = requestAnimationFrame(() => {
      this._frame = 0;
      if (!this._map) return;
      L.Renderer.prototype._update.call(this);
      this._place();
      this._draw(true);
    });
  },

  // An empty canvas, with degrees on it where there is no base map.
  _begin() {
    const pen = this._pen;
    const origin = this._map.getPixelOrigin();
    this._scale = 2 ** this._map.getZoom();
    this._shift = [-origin.x - this._bounds.min.x, -origin.y - this._bounds.min.y];
    pen.setTransform(this._ratio, 0, 0, this._ratio, 0, 0);
    pen.clearRect(0, 0, this._container.width, this._container.height);
    if (!this._state.tiles) this._drawGraticule();
  },

  // Where a place of the world is on it.
  _onCanvas([x, y]) {
    return [x * this._scale + this._shift[0], y * this._scale + this._shift[1]];
  },

  _draw(isMoving) {
    this._begin();
    const grown = 1.18 ** Math.max(-2, this._map.getZoom() - (this._state.homeZoom || this._map.getZoom()));
    const crowd = this._scene.count > 30000 ? 0.5 : this._scene.count > 6000 ? 0.7 : 1;
    const room = Math.max(0.6, Math.min(1, this._map.getSize().x / 800));
    this._full = Math.min(26, FULL_RADIUS * crowd * room * grown);
    this._least = Math.min(3, 1.3 * crowd * grown);
    this._drawGround();
    if (this._state.showCustomers) this._drawCustomers(isMoving);
    if (this._state.showNames) this._drawNames();
    this._drawChosen();
  },

  _drawGraticule() {
    const pen = this._pen;
    const size = this._bounds.getSize();
    const worldSize = WORLD * this._scale;
    const degrees = [45, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].find((step, i, all) =>
      i === all.length - 1 ? true : (step / 360) * worldSize < 240);
    const lonAt = (x) => ((x - this._shift[0]) / worldSize) * 360 - 180;
    const latAt = (y) => {
      const t = Math.PI * (1 - (2 * (y - this._shift[1])) / worldSize);
      return (Math.atan(Math.sinh(t)) * 180) / Math.PI;
    };
    pen.beginPath();
    for (let lon = Math.ceil(lonAt(0) / degrees) * degrees; lon <= lonAt(size.x); lon += degrees) {
      const x = Math.round(mercatorX(lon) * this._scale + this._shift[0]) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, size.y);
    }
    for (let lat = Math.ceil(latAt(size.y) / degrees) * degrees; lat <= latAt(0); lat += degrees) {
      const y = Math.round(mercatorY(lat) * this._scale + this._shift[1]) + 0.5;
      pen.moveTo(0, y);
      pen.lineTo(size.x, y);
    }
    pen.strokeStyle = "#e3e9ee";
    pen.lineWidth = 1;
    pen.stroke();
  },

  _drawGround() {
    const { _pen: pen, _scene: scene, _state: state } = this;
    const ground = scene.grounds[state.view];
    pen.lineJoin = "round";
    pen.globalAlpha = state.tiles ? 0.55 : 1;
    ground.forEach((rings, territory) => {
      this._trace(rings);
      pen.fillStyle = this._groundColour(territory);
      pen.fill("evenodd");
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2.5;
    for (const rings of ground) {
      this._trace(rings);
      pen.stroke();
    }
    this._drawBarriers();
    if (state.showToday && scene.canCompare && state.view === "after") this._drawToday();
    if (state.territory !== null) {
      this._trace(ground[state.territory] || []);
      pen.strokeStyle = INK;
      pen.lineWidth = 2.5;
      pen.stroke();
    }
  },

  // Most barriers are water.
  _drawBarriers() {
    const pen = this._pen;
    pen.strokeStyle = "#3a6ea5";
    pen.lineWidth = 2.5;
    this._trace(this._scene.barriers, false);
    pen.stroke();
  },

  _drawToday() {
    const pen = this._pen;
    pen.setLineDash([6, 4]);
    pen.strokeStyle = "rgba(27, 39, 51, 0.6)";
    pen.lineWidth = 1.3;
    this._trace(this._scene.today, false);
    pen.stroke();
    pen.setLineDash([]);
  },

  _groundColour(territory) {
    const { _scene: scene, _state: state } = this;
    if (state.colour === "territory") return `${territoryColour(scene.territories[territory])}73`;
    return indexColour(scene.deviation(territory, state.view, state.colour), scene.facts.tolerance[state.colour]);
  },

  _trace(lines, areClosed = true) {
    const pen = this._pen;
    const [dx, dy] = this._shift;
    const scale = this._scale;
    pen.beginPath();
    for (const line of lines) {
      pen.moveTo(line[0] * scale + dx, line[1] * scale + dy);
      for (let i = 2; i < line.length; i += 2) pen.lineTo(line[i] * scale + dx, line[i + 1] * scale + dy);
      if (areClosed) pen.closePath();
    }
  },

  _isShown(customer) {
    return !this._state.onlyMoved || this._scene.isMoved[customer] === 1;
  },

  _drawCustomers(isMoving) {
    const scene = this._scene;
    const skip = isMoving ? Math.ceil(scene.count / MOVING_LIMIT) : 1;
    if (!this._state.onlyMoved) {
      for (let k = 0; k < scene.count; k += skip) {
        if (!scene.isMoved[scene.order[k]]) this._drawCustomer(scene.order[k]);
      }
    }
    if (!scene.movedCount) return;
    for (let k = 0; k < scene.count; k += skip) {
      if (scene.isMoved[scene.order[k]]) this._drawCustomer(scene.order[k]);
    }
  },

  _drawCustomer(customer) {
    const scene = this._scene;
    const x = scene.wx[customer] * this._scale + this._shift[0];
    const y = scene.wy[customer] * this._scale + this._shift[1];
    const size = this._bounds.getSize();
    if (x < -30 || y < -30 || x > size.x + 30 || y > size.y + 30) return;
    const stamp = this._stamp(this._customerColour(customer), scene.isMoved[customer] === 1, this.radius(customer));
    this._pen.drawImage(stamp.image, x - stamp.half, y - stamp.half, stamp.half * 2, stamp.half * 2);
  },

  _customerColour(customer) {
    const { _scene: scene, _state: state } = this;
    const owner = scene.customers[state.view][customer];
    if (scene.isMoved[customer]) return territoryColour(scene.territories[scene.customers.after[customer]]);
    if (owner < 0) return "#8d99a5";
    return state.colour === "territory" ? territoryColour(scene.territories[owner]) : "#41566b";
  },

  // A circle is drawn once for each colour and half pixel of radius, then stamped: many times faster than a path each.
  _stamp(colour, isMoved, radius) {
    const step = Math.round(radius * 2);
    const key = `${colour}${isMoved ? "!" : ""}${step}@${this._ratio}`;
    let stamp = this._stamps.get(key);
    if (!stamp) {
      const half = Math.ceil(step / 2 + 3);
      const image = document.createElement("canvas");
      image.width = image.height = half * 2 * this._ratio;
      const pen = image.getContext("2d");
      pen.scale(this._ratio, this._ratio);
      pen.beginPath();
      pen.arc(half, half, step / 2, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.globalAlpha = isMoved ? 1 : 0.78;
      pen.fill();
      pen.globalAlpha = 1;
      if (isMoved) {
        pen.beginPath();
        pen.arc(half, half, step / 2 + 0.5, 0, 2 * Math.PI);
        pen.lineWidth = 1.3;
        pen.strokeStyle = INK;
        pen.stroke();
      } else if (step > 4) {
        pen.lineWidth = 0.8;
        pen.strokeStyle = "rgba(255, 255, 255, 0.85)";
        pen.stroke();
      }
      stamp = { image, half };
      this._stamps.set(key, stamp);
    }
    return stamp;
  },

  _drawNames() {
    const { _pen: pen, _scene: scene, _state: state } = this;
    const taken = [];
    pen.font = '600 12.5px system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const rank = (territory) => -(scene.measured(territory, state.view)?.customers || 0);
    const inOrder = scene.territories.map((_, i) => i).sort((a, b) => rank(a) - rank(b));
    for (const territory of inOrder) {
      const anchor = scene.anchor(territory, state.view);
      if (!anchor) continue;
      const text = shortened(scene.territories[territory].name, 22);
      const [x, y] = this._onCanvas(anchor);
      const half = pen.measureText(text).width / 2 + 7;
      const box = [x - half, y - 11, x + half, y + 11];
      if (taken.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])) continue;
      taken.push(box);
      pen.beginPath();
      pen.roundRect(box[0], box[1], half * 2, 22, 11);
      pen.fillStyle = "rgba(255, 255, 255, 0.9)";
      pen.fill();
      pen.fillStyle = INK;
      pen.fillText(text, x, y + 0.5);
    }
  },

  _drawChosen() {
    const { _pen: pen, _scene: scene, _state: state } = this;
    if (state.customer === null) return;
    const [x, y] = this._onCanvas([scene.wx[state.customer], scene.wy[state.customer]]);
    pen.beginPath();
    pen.arc(x, y, this.radius(state.customer) + 5, 0, 2 * Math.PI);
    pen.lineWidth = 5;
    pen.strokeStyle = "#ffffff";
    pen.stroke();
    pen.lineWidth = 2.5;
    pen.strokeStyle = "#0b62c4";
    pen.stroke();
  },
});
