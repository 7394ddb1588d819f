// The plan as the page uses it: places in web Mercator world pixels (zoom 0), polygons, an index of who stands where.

const WORLD = 256;

function mercatorX(lon) {
  return ((lon + 180) / 360) * WORLD;
}

function mercatorY(lat) {
  const sine = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
}

// A box, [west, north, east, south], that holds every corner of a line as well.
function widen(box, line) {
  for (let i = 0; i < line.length; i += 2) {
    box[0] = Math.min(box[0], line[i]);
    box[1] = Math.min(box[1], line[i + 1]);
    box[2] = Math.max(box[2], line[i]);
    box[3] = Math.max(box[3], line[i + 1]);
  }
  return box;
}

function emptyBox() {
  return [Infinity, Infinity, -Infinity, -Infinity];
}

// What a page is told, with places as whole parts of a degree from an origin.
class Told {
  constructor(told) {
    Object.assign(this, told);
  }

  _worldX(x) {
    return mercatorX((x + this.origin[0]) / this.degree);
  }

  _worldY(y) {
    return mercatorY((y + this.origin[1]) / this.degree);
  }

  _world([x, y]) {
    return [this._worldX(x), this._worldY(y)];
  }

  // Lines come as differences. All rings of a territory share one even-odd path, so holes need no care.
  _line(steps) {
    const line = new Float64Array(steps.length);
    let x = 0;
    let y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      line[i] = this._worldX(x);
      line[i + 1] = this._worldY(y);
    }
    return line;
  }
}

class Scene extends Told {
  constructor(told) {
    super(told);
    this.count = told.customers.x.length;
    this.wx = Float64Array.from(told.customers.x, (x) => this._worldX(x));
    this.wy = Float64Array.from(told.customers.y, (y) => this._worldY(y));
    this.grounds = {};
    for (const view of this.views) {
      this.grounds[view] = told.ground[view].map((shapes) => shapes.flat().map((ring) => this._line(ring)));
    }
    this.today = told.today.map((line) => this._line(line));
    this.barriers = (told.barriers || []).map((line) => this._line(line));
    this.locked = new Set(told.locked);
    this.finalView = this.views[this.views.length - 1];
    this.canCompare = this.views.length > 1;
    this._readMoves();
    this.order = this._largestFirst();
    this.reach = this._reach();
    this.bounds = this._bounds();
    this.index = this.count ? new PlaceIndex(this.wx, this.wy, this.bounds) : null;
  }

  _readMoves() {
    const { before, after } = this.customers;
    this.isMoved = new Uint8Array(this.count);
    this.movedCount = 0;
    this.moveOf = new Map(this.moves.map((move) => [move[0], move]));
    if (!this.canCompare) return;
    for (let i = 0; i < this.count; i++) {
      if (before[i] >= 0 && before[i] !== after[i]) {
        this.isMoved[i] = 1;
        this.movedCount++;
      }
    }
  }

  _largestFirst() {
    const potential = this.customers.potential;
    return Uint32Array.from(potential.keys()).sort((a, b) => potential[b] - potential[a]);
  }

  // The potential that is drawn at the full radius: the 99th percentile, so one giant does not shrink all others.
  _reach() {
    if (!this.count) return 1;
    return this.customers.potential[this.order[Math.floor(this.count / 100)]] || 1;
  }

  _bounds() {
    const box = emptyBox();
    for (const view of this.views) {
      for (const rings of this.grounds[view]) rings.forEach((ring) => widen(box, ring));
    }
    for (let i = 0; i < this.count; i++) widen(box, [this.wx[i], this.wy[i]]);
    return box;
  }

  groundBounds(territory, view) {
    const rings = this.grounds[view][territory] || [];
    return rings.length ? rings.reduce(widen, emptyBox()) : null;
  }

  // Even-odd rule over all rings (Shimrat 1962).
  territoryAt(x, y, view) {
    return this.grounds[view].findIndex((rings) => {
      let inside = false;
      for (const ring of rings) {
        for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
          if (ring[i + 1] > y !== ring[j + 1] > y) {
            const cut = ring[i] + ((y - ring[i + 1]) / (ring[j + 1] - ring[i + 1])) * (ring[j] - ring[i]);
            if (x < cut) inside = !inside;
          }
        }
      }
      return inside;
    });
  }

  anchor(territory, view) {
    const place = this.territories[territory].anchor[view];
    return place ? this._world(place) : null;
  }

  measured(territory, view) {
    return this.territories[territory].measures[view];
  }

  deviation(territory, view, measure) {
    const measured = this.measured(territory, view);
    return measured ? measured[`deviation_${measure}`] : null;
  }

  // The territory furthest off in a measure, {territory, deviation}; null when there is none.
  worst(view, measure) {
    let found = null;
    this.territories.forEach((_, territory) => {
      const deviation = this.deviation(territory, view, measure);
      if (deviation !== null && (!found || Math.abs(deviation) > Math.abs(found.deviation))) {
        found = { territory, deviation };
      }
    });
    return found;
  }

  // Customers at the very place of a customer, itself among them.
  companions(customer) {
    return this.index
      .near(this.wx[customer], this.wy[customer], 1e-9)
      .filter((i) => this.wx[i] === this.wx[customer] && this.wy[i] === this.wy[customer])
      .sort((a, b) => a - b);
  }
}

// Customers in the cells of an even grid (counting sort): who is near a point, without asking everybody.
class PlaceIndex {
  constructor(x, y, box) {
    const side = Math.max(1, Math.ceil(Math.sqrt(x.length / 3)));
    this.x = x;
    this.y = y;
    this.box = box;
    this.side = side;
    this.step = [(box[2] - box[0]) / side || 1, (box[3] - box[1]) / side || 1];
    const cell = new Uint32Array(x.length);
    this.start = new Uint32Array(side * side + 1);
    for (let i = 0; i < x.length; i++) {
      cell[i] = this._row(y[i]) * side + this._column(x[i]);
      this.start[cell[i] + 1]++;
    }
    for (let c = 0; c < side * side; c++) this.start[c + 1] += this.start[c];
    const next = this.start.slice();
    this.items = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) this.items[next[cell[i]]++] = i;
  }

  _column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.box[0]) / this.step[0])));
  }

  _row(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.box[1]) / this.step[1])));
  }

  near(x, y, radius) {
    const found = [];
    for (let row = this._row(y - radius); row <= this._row(y + radius); row++) {
      for (let column = this._column(x - radius); column <= this._column(x + radius); column++) {
        const cell = row * this.side + column;
        for (let k = this.start[cell]; k < this.start[cell + 1]; k++) {
          const i = this.items[k];
          if (Math.abs(this.x[i] - x) <= radius && Math.abs(this.y[i] - y) <= radius) found.push(i);
        }
      }
    }
    return found;
  }
}
