// What every page has around its map: tools, a tip beside the pointer, and, on a phone, a sheet with the figures.

class Frame {
  constructor(map, words) {
    this.map = map;
    this.words = words;
  }

  render() {
    const { words } = this;
    document.documentElement.lang = words.language === "zh" ? "zh-CN" : "en";
    this._renderTools();
    this._renderParts();
    document.title = document.getElementById("title").textContent;
    this.map.getContainer().setAttribute("aria-label", words.say(this.saying.map));
    this.map.getContainer().setAttribute("role", "application");
    const empty = document.getElementById("empty-map");
    empty.hidden = this.scene.count > 0;
    empty.textContent = words.say(this.saying.empty);
    this.layer.redraw();
  }

  _listen() {
    const { map } = this;
    map.on("click", (event) => this._onClick(event));
    map.on("mousemove", (event) => this._onHover(event));
    map.on("mouseout movestart", () => this._hideTip());
    document.addEventListener("keydown", (event) => this._onKey(event));
    document.getElementById("grip").addEventListener("click", () => this._moveSheet());
    // Who reaches the figures by keyboard on a narrow screen must see them.
    document.getElementById("figures").addEventListener("focusin", ({ target }) => {
      if (target.matches(":focus-visible") && !document.getElementById("panel").classList.contains("up")) this._moveSheet();
    });
    // Paper has another shape than the window, and the map must fill it before the page is drawn for print.
    window.matchMedia("print").addEventListener("change", () => {
      map.invalidateSize({ animate: false, pan: false });
      this._showEverything(false);
    });
  }

  _onHover(event) {
    if (this._hovering) return;
    this._hovering = requestAnimationFrame(() => {
      this._hovering = 0;
      this._hover(event);
    });
  }

  _tip(point, title, line) {
    const tip = document.getElementById("tip");
    tip.replaceChildren(element("b", {}, shortened(title, 60)), element("span", {}, line));
    tip.hidden = false;
    const room = this.map.getSize();
    const x = Math.min(point.x + 14, room.x - tip.offsetWidth - 8);
    const y = point.y + 18 + tip.offsetHeight > room.y ? point.y - tip.offsetHeight - 10 : point.y + 18;
    placed(tip, { transform: `translate(${Math.round(x)}px, ${Math.round(y)}px)` });
  }

  _hideTip() {
    cancelAnimationFrame(this._hovering);
    this._hovering = 0;
    document.getElementById("tip").hidden = true;
  }

  _renderTools() {
    const { words } = this;
    const language = document.getElementById("language");
    language.textContent = words.say("language");
    language.setAttribute("aria-label", words.say("languageLabel"));
    language.onclick = () => {
      words.use(words.language === "zh" ? "en" : "zh");
      this.render();
    };
    const print = document.getElementById("print");
    print.textContent = words.say("print");
    print.onclick = () => window.print();
    document.getElementById("grip").setAttribute("aria-label", words.say("sheet"));
    const tool = (key, sign, act) => element("button", {
      type: "button", "aria-label": words.say(key), title: words.say(key), onclick: act,
    }, sign);
    document.getElementById("zoom").replaceChildren(
      tool("zoomIn", "+", () => this.map.zoomIn()),
      tool("zoomOut", "−", () => this.map.zoomOut()),
      tool("zoomAll", "⤢", () => this._showEverything(true)));
  }

  _latLng(x, y) {
    return this.map.unproject(L.point(x, y), 0);
  }

  _latLngBounds(box) {
    return L.latLngBounds(this._latLng(box[0], box[1]), this._latLng(box[2], box[3]));
  }

  _moveSheet() {
    const isUp = document.getElementById("panel").classList.toggle("up");
    document.getElementById("grip").setAttribute("aria-expanded", String(isUp));
  }
}
