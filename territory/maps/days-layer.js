// Days as the page uses them, and the canvas that draws their ways, numbered stops and homes.

const DAY_COLOURS = ["#0b62c4", "#c9480b", "#17705c", "#8a3fa8", "#b8860b", "#5a6b7b", "#c2255c"];

function weekdayOf(date) {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
}

class DaysScene extends Told {
  constructor(told) {
    super(told);
    this.count = told.days.length;
    for (const day of this.days) {
      day.weekday = weekdayOf(day.date);
      day.lines = day.legs.map((leg) => this._line(leg));
      day.places = day.stops.map((stop) => this._world([stop.x, stop.y]));
      day.ends = [day.begin, day.end].map((place) => this._world(place));
    }
  }

  ofRep(rep) {
    return this.days.filter((day) => day.rep === rep);
  }

  // [west, north, east, south] in world pixels of zoom 0.
  bounds(days) {
    return days.flatMap((day) => [...day.places, ...day.ends, ...day.lines]).reduce(widen, emptyBox());
  }
}

const DaysLayer = GroundLayer.extend({
  // Stops under a point of the map, as [day, number], nearest first.
  stopsAt(latlng, tolerance) {
    const point = this._map.project(latlng, 0);
    const scale = 2 ** this._map.getZoom();
    const found = [];
    for (const day of this._state.shown()) {
      day.places.forEach(([x, y], stop) => {
        const away = Math.hypot(x - point.x, y - point.y) * scale;
        if (away <= this._radius() + tolerance) found.push({ day, stop, away });
      });
    }
    return found.sort((a, b) => a.away - b.away);
  },

  _radius() {
    return this._state.day() ? 12 : 5;
  },

  _draw() {
    this._begin();
    const days = this._state.shown();
    for (const day of days) this._drawWay(day, days.length === 1);
    for (const day of days) this._drawStops(day, days.length === 1);
    for (const day of days) {
      day.ends.forEach((end, at) => (at ? day.night_after : day.night_before) ? this._drawNight(day, end) : this._drawHome(end));
    }
  },

  _drawWay(day, isOnly) {
    const pen = this._pen;
    pen.lineJoin = pen.lineCap = "round";
    const trace = (colour, width) => {
      this._trace(day.lines, false);
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.stroke();
    };
    trace("rgba(255, 255, 255, 0.85)", isOnly ? 7 : 4);
    trace(isOnly ? DAY_COLOURS[0] : DAY_COLOURS[day.weekday], isOnly ? 3.5 : 2);
    if (isOnly) day.lines.forEach((line) => this._drawArrow(line));
  },

  // In the middle of a leg, where it is long enough to have one.
  _drawArrow(line) {
    const length = [0];
    for (let i = 2; i < line.length; i += 2) {
      length.push(length[length.length - 1] + Math.hypot(line[i] - line[i - 2], line[i + 1] - line[i - 1]));
    }
    const whole = length[length.length - 1];
    if (whole * this._scale < 70) return;
    const at = length.findIndex((far) => far >= whole / 2);
    const [x0, y0, x1, y1] = [line[2 * at - 2], line[2 * at - 1], line[2 * at], line[2 * at + 1]];
    const part = (whole / 2 - length[at - 1]) / (length[at] - length[at - 1]);
    const pen = this._pen;
    pen.save();
    pen.translate(...this._onCanvas([x0 + (x1 - x0) * part, y0 + (y1 - y0) * part]));
    pen.rotate(Math.atan2(y1 - y0, x1 - x0));
    pen.beginPath();
    pen.moveTo(9, 0);
    pen.lineTo(-6, 7);
    pen.lineTo(-6, -7);
    pen.closePath();
    pen.fillStyle = DAY_COLOURS[0];
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
    pen.restore();
  },

  _drawStops(day, isOnly) {
    const pen = this._pen;
    const radius = this._radius();
    const last = day.places.length - 1;
    // The first stop of the day lies on top, where several are at one place; the chosen one above all.
    const order = [...day.places.keys()].reverse();
    if (isOnly && this._state.stop !== null) order.push(this._state.stop);
    for (const stop of order) {
      const [x, y] = this._onCanvas(day.places[stop]);
      const isChosen = isOnly && this._state.stop === stop;
      this._disc(x, y, isChosen ? radius + 4 : radius, isOnly ? DAY_COLOURS[0] : DAY_COLOURS[day.weekday], isOnly ? 2 : 1.5);
      if (!isOnly) continue;
      pen.font = `650 ${last > 98 ? 10 : 12}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillStyle = "#ffffff";
      pen.fillText(String(stop + 1), x, y + 0.5);
    }
  },

  _drawHome(place) {
    const pen = this._pen;
    const [x, y] = this._onCanvas(place);
    pen.beginPath();
    pen.moveTo(x, y - 11);
    pen.lineTo(x + 11, y - 1);
    pen.lineTo(x + 7.5, y - 1);
    pen.lineTo(x + 7.5, y + 9);
    pen.lineTo(x - 7.5, y + 9);
    pen.lineTo(x - 7.5, y - 1);
    pen.lineTo(x - 11, y - 1);
    pen.closePath();
    pen.fillStyle = INK;
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2;
    pen.stroke();
    pen.fill();
  },

  // A moon; beside the stop, where the day has one there.
  _drawNight(day, place) {
    const pen = this._pen;
    const aside = day.places.some(([x, y]) => x === place[0] && y === place[1]) ? this._radius() + 5 : 0;
    const [x, y] = this._onCanvas(place).map((at, axis) => at + (axis ? -aside : aside));
    this._disc(x, y, 11, INK, 2);
    pen.beginPath();
    pen.arc(x, y, 6.5, 0.25 * Math.PI, 1.35 * Math.PI);
    pen.arc(x + 3, y - 2, 5.5, 1.2 * Math.PI, 0.4 * Math.PI, true);
    pen.closePath();
    pen.fillStyle = "#ffffff";
    pen.fill();
  },

  _disc(x, y, radius, colour, edge) {
    const pen = this._pen;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    pen.lineWidth = edge;
    pen.strokeStyle = "#ffffff";
    pen.stroke();
  },
});
