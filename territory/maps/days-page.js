// Ties the page of days together: one state, and what happens when the reader changes it.

class DaysWords extends Words {
  use(language) {
    super.use(language);
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    const format = (options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
    this._long = format({ weekday: "short", day: "numeric", month: "long", year: "numeric" });
    this._short = format({ day: "numeric", month: "short" });
    this._weekday = format({ weekday: "short" });
    this.tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  }

  // 8 h 57 min; hours with decimals say little to who looks at a clock.
  span(minutes) {
    const whole = Math.round(minutes);
    const hours = Math.floor(whole / 60);
    const rest = this.say("spanMinutes", { minutes: whole % 60 });
    if (!hours) return rest;
    return whole % 60 ? `${this.say("spanHours", { hours })} ${rest}` : this.say("spanHours", { hours });
  }

  // 8:57, where there is little room.
  clock(minutes) {
    const whole = Math.round(minutes);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }

  day(date) {
    return this._long.format(new Date(`${date}T00:00:00Z`));
  }

  shortDay(date) {
    return this._short.format(new Date(`${date}T00:00:00Z`));
  }

  // 0 is Monday; 2024-01-01 was one.
  weekday(number) {
    return this._weekday.format(new Date(Date.UTC(2024, 0, 1 + number)));
  }
}

class DaysPage extends Frame {
  constructor(map, told) {
    super(map, new DaysWords(firstLanguage(told.language)));
    this.saying = { map: "mapLabelDays", empty: "noDays" };
    this.scene = new DaysScene(told);
    const scene = this.scene;
    this.state = {
      rep: 0,
      chosen: null,
      stop: null,
      tiles: told.tiles,
      day() {
        const days = scene.ofRep(this.rep);
        return days.length === 1 ? days[0] : this.chosen;
      },
      shown() {
        const day = this.day();
        return day ? [day] : scene.ofRep(this.rep);
      },
    };
    this.layer = new DaysLayer(this.scene, this.state);
    this.panel = new DaysPanel(this);
    this._showEverything();
    this.layer.addTo(map);
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    this._listen();
    this.render();
  }

  _renderParts() {
    this.panel.render();
    this._renderCard();
    // Who chose a stop on the map finds it in the list.
    document.querySelector(".stop[aria-expanded=true]")?.scrollIntoView({ block: "nearest" });
  }

  chooseRep(rep) {
    Object.assign(this.state, { rep, chosen: null, stop: null });
    this.render();
    this._showEverything();
  }

  chooseDay(day) {
    Object.assign(this.state, { chosen: day, stop: null });
    this.render();
    this._showEverything();
  }

  chooseStop(day, stop, { zoom = false } = {}) {
    if (this.state.day() !== day) this.state.chosen = day;
    this.state.stop = stop;
    this.render();
    if (!zoom || stop === null) return;
    const [x, y] = day.places[stop];
    this._hideTip();
    this.map.panInside(this._latLng(x, y), this._room());
  }

  _onClick({ latlng }) {
    const [found] = this.layer.stopsAt(latlng, 4);
    if (!found) return this.state.stop === null ? null : this.chooseStop(this.state.day(), null);
    if (this.state.day() === found.day) return this.chooseStop(found.day, this._next(found, latlng));
    return this.chooseDay(found.day);
  }

  _onKey({ key }) {
    if (key !== "Escape") return;
    if (this.state.stop !== null) this.chooseStop(this.state.day(), null);
    else if (this.state.chosen) this.chooseDay(null);
  }

  // Where several stops are at one place, each click chooses the next of them.
  _next({ day, stop }, latlng) {
    const here = this.layer.stopsAt(latlng, 4).filter((found) => found.day === day).map((found) => found.stop).sort((a, b) => a - b);
    const at = here.indexOf(this.state.stop);
    return at < 0 ? stop : here[(at + 1) % here.length];
  }

  _hover({ latlng, containerPoint }) {
    const [found] = this.layer.stopsAt(latlng, 2);
    this.map.getContainer().classList.toggle("can-click", Boolean(found));
    if (!found) return this._hideTip();
    const stop = found.day.stops[found.stop];
    const when = this.state.day() ? "" : `${this.words.shortDay(found.day.date)} · `;
    return this._tip(containerPoint, `${found.stop + 1}. ${stop.name || stop.id}`, `${when}${stop.start} – ${stop.leave}`);
  }

  // On a phone the list is down while one looks at the map: the chosen stop is told above it.
  _renderCard() {
    const { words, state } = this;
    const card = document.getElementById("card");
    const day = state.day();
    card.hidden = !day || state.stop === null;
    if (card.hidden) return;
    const stop = day.stops[state.stop];
    const line = (key, value) => [element("dt", {}, words.say(key)), element("dd", {}, value)];
    card.replaceChildren(
      element("header", {},
        element("span", { class: "badge" }, String(state.stop + 1)),
        element("div", {}, element("h2", {}, stop.name || stop.id),
          element("p", {}, words.say("stopOf", { stop: state.stop + 1, count: day.stops.length }))),
        element("button", {
          class: "quiet close", type: "button", "aria-label": words.say("close"), onclick: () => this.chooseStop(day, null),
        }, "×")),
      element("dl", {},
        line("visit", `${stop.start} – ${stop.leave}`),
        line("arrive", stop.arrive),
        line("drive", words.say("leg", { minutes: words.whole.format(stop.drive_minutes), km: words.tenth.format(stop.drive_km) })),
        line("id", stop.id)),
      navigation(words, stop));
  }

  _showEverything() {
    const { map, scene, state } = this;
    const days = state.shown();
    if (!scene.count || !days.length) {
      map.setView([20, 0], 2, { animate: false });
      return;
    }
    map.fitBounds(this._latLngBounds(scene.bounds(days)), { ...this._room(), maxZoom: 15, animate: false });
    this.layer.redraw();
  }

  _room() {
    if (window.matchMedia("print").matches) return { padding: [24, 24] };
    if (window.innerWidth < 760) return { paddingTopLeft: [28, 28], paddingBottomRight: [52, 190] };
    return { paddingTopLeft: [40, 40], paddingBottomRight: [80, 48] };
  }
}

function openPage(map) {
  return new DaysPage(map, JSON.parse(document.getElementById("scene").textContent));
}
