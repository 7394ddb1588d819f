// The list beside the map: whose days, a calendar of them, and the chosen day from leaving home to coming back.

const LEFT_OUT_SHOWN = 50;

class DaysPanel {
  constructor(page) {
    this.page = page;
    this.isOpen = false;
    this.shown = LEFT_OUT_SHOWN;
  }

  render() {
    const { page } = this;
    const { words, state } = page;
    const figures = document.getElementById("figures");
    const scrolled = figures.scrollTop;
    const focused = figures.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const days = page.scene.ofRep(state.rep);
    const day = state.day();
    this._head(days, day);
    figures.replaceChildren(...[
      page.scene.reps.length > 1 ? this._whose() : null,
      days.length > 1 ? this._calendar(days) : null,
      ...(day ? this._day(day, days.length > 1) : days.length ? [this._monthTiles(days)] : [element("p", { class: "empty" }, words.say("noDays"))]),
      day ? null : this._notes(),
      days.some((one) => one.is_estimate) ? element("p", { class: "note" }, words.say("estimate")) : null,
      ...(day ? [this._timeline(day)] : []),
      this._leftOut(day && day.left_out.length ? day.left_out : [...days.flatMap((one) => one.left_out), ...(page.scene.left_out[state.rep] || [])]),
    ].filter(Boolean));
    figures.scrollTop = scrolled;
    if (focused) figures.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  }

  _head(days, day) {
    const { scene, words, state } = this.page;
    const [id, name] = scene.reps[state.rep] || ["", ""];
    const rep = name || id;
    const title = document.getElementById("title");
    const subtitle = document.getElementById("subtitle");
    if (day) {
      title.textContent = scene.title || words.say("titleDay", { rep, date: words.day(day.date) });
      subtitle.textContent = words.say("subtitleDay", { visits: day.stops.length, drive: words.span(day.drive_minutes) });
    } else if (days.length) {
      const [first, last] = [days[0].date, days[days.length - 1].date].map((date) => words.shortDay(date));
      title.textContent = scene.title || words.say("titleMonth", { rep, first, last });
      subtitle.textContent = words.say("subtitleMonth", {
        days: days.length, visits: days.reduce((sum, one) => sum + one.stops.length, 0),
      });
    } else {
      title.textContent = scene.title || words.say("calendar");
      subtitle.textContent = "";
    }
  }

  _whose() {
    const { page } = this;
    const { scene, words, state } = page;
    return element("select", {
      class: "whose", "data-key": "whose", "aria-label": words.say("whose"),
      onchange: ({ target }) => page.chooseRep(Number(target.value)),
    }, scene.reps.map(([id, name], number) =>
      element("option", { value: number, selected: number === state.rep }, name ? `${id} ${name}` : id)));
  }

  _calendar(days) {
    const { words } = this.page;
    const weekdays = Math.max(5, ...days.map((day) => day.weekday + 1));
    const most = Math.max(...days.map((day) => day.minutes));
    const byDate = new Map(days.map((day) => [day.date, day]));
    const rows = [];
    const from = Date.parse(days[0].date) - days[0].weekday * 864e5;
    for (let week = from; week <= Date.parse(days[days.length - 1].date); week += 7 * 864e5) {
      const dates = [...Array(weekdays).keys()].map((step) => new Date(week + step * 864e5).toISOString().slice(0, 10));
      rows.push(element("tr", {}, dates.map((date) => element("td", {}, this._cell(byDate.get(date), date, most)))));
    }
    return element("table", { class: "calendar", "aria-label": words.say("calendar") },
      element("thead", {}, element("tr", {}, [...Array(weekdays).keys()].map((number) =>
        element("th", { scope: "col" }, words.weekday(number))))),
      element("tbody", {}, rows));
  }

  _cell(day, date, most) {
    const { page } = this;
    const { words, state } = page;
    const number = String(Number(date.slice(8)));
    if (!day) return element("div", { class: "off" }, number);
    const count = day.stops.length;
    return element("button", {
      type: "button", "aria-pressed": String(state.day() === day), "data-key": day.date,
      "aria-label": [words.day(date), words.say(count === 1 ? "dayVisit" : "dayVisits", { count }), words.span(day.minutes),
        day.night_after ? words.say("nightAway") : null].filter(Boolean).join(", "),
      onclick: () => page.chooseDay(state.day() === day ? null : day),
    },
    element("b", {}, placed(element("i"), { background: DAY_COLOURS[day.weekday] }), number,
      day.night_after ? element("em", { title: words.say("nightAway") }, "☾") : null),
    element("span", {}, words.say(count === 1 ? "dayVisit" : "dayVisits", { count })),
    element("span", {}, words.say("hours", { value: words.clock(day.minutes) })),
    placed(element("u"), { width: `${(100 * day.minutes) / most}%`, background: DAY_COLOURS[day.weekday] }));
  }

  _monthTiles(days) {
    const { words } = this.page;
    const sum = (key) => days.reduce((total, day) => total + day[key], 0);
    const lengths = days.map((day) => day.minutes);
    const visits = days.reduce((total, day) => total + day.stops.length, 0);
    const nights = days.filter((day) => day.night_after).length;
    return element("div", { class: "tiles" },
      this._tile("tileVisits", words.whole.format(visits), words.say("tileVisitsNote", { days: days.length })),
      this._tile("tileHoursMean", words.span(sum("minutes") / days.length), words.say("tileHoursRange", {
        least: words.clock(Math.min(...lengths)), most: words.clock(Math.max(...lengths)),
      })),
      this._tile("tileDriving", words.span(sum("drive_minutes")), words.say("km", { value: words.number(sum("drive_km")) })),
      nights ? this._tile("tileNights", words.whole.format(nights), "") : null);
  }

  // What is to be said of the whole team.
  _notes() {
    const { scene, words } = this.page;
    if (!scene.notes.length) return null;
    return element("section", { class: "reasons" }, element("h2", {}, words.say("notes")),
      element("ul", {}, scene.notes.map(([english, chinese]) => element("li", {}, words.language === "zh" ? chinese : english))));
  }

  _day(day, isOneOfMany) {
    const { page } = this;
    const { words } = page;
    return [
      isOneOfMany ? element("button", {
        class: "quiet all-days", type: "button", "data-key": "all", onclick: () => page.chooseDay(null),
      }, words.say("allDays")) : null,
      element("div", { class: "tiles" },
        this._tile("tileVisits", words.whole.format(day.stops.length), day.left_out.length ? words.say("tileProofNote", { left: day.left_out.length }) : ""),
        this._tile("tileHours", `${day.depart} – ${day.home}`, words.span(day.minutes)),
        this._tile("tileDriving", words.span(day.drive_minutes), words.say("km", { value: words.number(day.drive_km) })),
        day.proof ? this._tile("tileProof", this._proof(day.proof), "") : null),
    ];
  }

  _proof(proof) {
    const { words } = this.page;
    const known = { optimal: "proofOptimal", unproven: "proofUnproven", infeasible: "proofInfeasible" }[proof];
    const [, gap] = /^gap (.+)$/.exec(proof) || [];
    return known ? words.say(known) : gap ? words.say("proofGap", { gap }) : proof;
  }

  _tile(key, value, note) {
    return element("div", { class: "tile" },
      element("span", { class: "tile-label" }, this.page.words.say(key)),
      element("span", { class: "tile-value" }, value),
      note ? element("span", { class: "tile-note" }, note) : null);
  }

  _timeline(day) {
    const { words } = this.page;
    const rows = [element("li", {}, this._ending("departs", "departsNight", day.night_before, day.depart))];
    day.stops.forEach((stop, number) => {
      const leg = this._leg(stop.drive_minutes, stop.drive_km);
      const isPaused = day.pause && this._isPausedBefore(day, number);
      // A break on arrival comes after the drive, and one that begins earlier before it.
      const isOnArrival = isPaused && stop.arrive <= day.pause[0];
      if (isPaused) rows.push(isOnArrival ? this._pause(day.pause, leg) : this._pause(day.pause));
      rows.push(this._stop(day, stop, number, isOnArrival ? null : leg));
    });
    if (day.pause && this._isPausedBefore(day, day.stops.length)) rows.push(this._pause(day.pause));
    const left = [
      day.drive_minutes - day.stops.reduce((sum, stop) => sum + stop.drive_minutes, 0),
      day.drive_km - day.stops.reduce((sum, stop) => sum + stop.drive_km, 0),
    ].map((value) => Math.max(0, value));
    rows.push(element("li", {}, this._leg(...left), this._ending("returns", "nightNear", day.night_after, day.home)));
    return element("section", {}, element("h2", {}, words.say("timeline")), element("ol", { class: "timeline" }, rows));
  }

  _isPausedBefore(day, number) {
    const from = day.pause[0];
    const before = number ? day.stops[number - 1].start : "";
    return before < from && (number === day.stops.length || day.stops[number].start >= from);
  }

  // At home, or near whom the night is spent.
  _ending(atHome, away, name, time) {
    const { words } = this.page;
    return element("div", { class: "stop" },
      element("span", { class: "badge end", "aria-hidden": "true" }, name ? "☾" : "⌂"),
      element("b", {}, name ? words.say(away, { name }) : words.say(atHome)), element("time", {}, time));
  }

  _pause([from, until], leg = null) {
    return element("li", {}, leg, element("div", { class: "stop" },
      element("span", { class: "badge pause", "aria-hidden": "true" }, "‖"),
      element("b", {}, this.page.words.say("pauseFrom")), element("time", {}, `${from} – ${until}`)));
  }

  _leg(minutes, km) {
    const { words } = this.page;
    return element("span", { class: "leg" }, words.say("leg", { minutes: words.whole.format(minutes), km: words.tenth.format(km) }));
  }

  _stop(day, stop, number, leg) {
    const { page } = this;
    const { words, state } = page;
    const isChosen = state.stop === number;
    const notes = [
      stop.appointment ? element("span", { class: "promised" }, words.say("appointment")) : null,
      stop.wait >= 1 ? words.say("waits", { minutes: stop.wait }) : null,
      stop.id,
    ].filter(Boolean);
    return element("li", {},
      leg,
      element("button", {
        class: "stop", type: "button", "aria-expanded": String(isChosen), "data-key": `stop${number}`,
        onclick: () => page.chooseStop(day, isChosen ? null : number, { zoom: true }),
      },
      element("span", { class: "badge" }, String(number + 1)),
      element("span", {}, element("b", {}, stop.name || stop.id),
        element("small", {}, notes.flatMap((note, i) => (i ? [" · ", note] : [note])))),
      element("time", {}, `${stop.start} – ${stop.leave}`)),
      isChosen ? navigation(words, stop) : null);
  }

  _leftOut(rows) {
    const { words } = this.page;
    return element("details", { class: "list", open: this.isOpen, ontoggle: ({ target }) => { this.isOpen = target.open; } },
      element("summary", {}, element("h2", {}, words.say("leftOut")), element("span", { class: "count" }, words.whole.format(rows.length))),
      rows.length
        ? element("ul", {}, rows.slice(0, this.shown).map(([id, name, english, chinese]) =>
          element("li", {}, element("b", {}, name || id),
            element("div", { class: "reason" }, `${id} · ${(words.language === "zh" && chinese) || english}`))))
        : element("p", { class: "empty" }, words.say("leftOutNone")),
      rows.length > this.shown ? element("button", {
        class: "more", type: "button", "data-key": "more", onclick: () => { this.shown += LEFT_OUT_SHOWN; this.render(); },
      }, words.say("showMore", { count: Math.min(LEFT_OUT_SHOWN, rows.length - this.shown) })) : null);
  }
}

// Links that open an app when they are tapped, and nothing before.
function navigation(words, stop) {
  const place = `${stop.lat.toFixed(6)},${stop.lon.toFixed(6)}`;
  const called = encodeURIComponent(wellFormed(stop.name || stop.id)).replace(/[()]/g, (sign) => (sign === "(" ? "%28" : "%29"));
  const link = (label, href) => element("a", { href, target: "_blank", rel: "noopener noreferrer" }, label);
  return element("div", { class: "go", role: "group", "aria-label": words.say("navigate") },
    link(words.say("phone"), `geo:${place}?q=${place}(${called})`),
    link("Google", `https://www.google.com/maps/dir/?api=1&destination=${place}&travelmode=driving`),
    link("Apple", `https://maps.apple.com/?daddr=${place}&dirflg=d&q=${called}`),
    link(words.language === "zh" ? "高德" : "Amap",
      `https://uri.amap.com/navigation?to=${stop.amap[0].toFixed(6)},${stop.amap[1].toFixed(6)},${called}&mode=car&coordinate=gaode&callnative=1`));
}

// A lone half of a surrogate pair cannot stand in an address.
function wellFormed(text) {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
