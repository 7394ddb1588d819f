// Choosing several customers without a pointer: a list with boxes to tick, of what the map shows or of one territory.

import { element } from "./elements.js";
import { byId, number, say } from "./base.js";

const MOST_LISTED = 200;

export class Picker {
  // hears: {chosen([i, ...])}
  constructor(map, hears) {
    Object.assign(this, { map, hears });
    this.box = byId("picking");
    this.list = byId("pick-list");
    this.chosen = new Set();
    this.listed = [];
    for (const id of ["pick-word", "pick-territory", "pick-shown"]) byId(id).addEventListener("input", () => this.render());
    this.box.addEventListener("toggle", () => this.render());
    map.onMoved(() => byId("pick-shown").checked && this.render());
    byId("pick-all").addEventListener("click", () => this._tell([...this.chosen, ...this.listed]));
    byId("pick-none").addEventListener("click", () => this._tell([]));
    this.list.addEventListener("keydown", (event) => this._step(event));
    this.list.addEventListener("change", ({ target }) => this._tick(Number(target.value), target.checked));
  }

  open() {
    this.box.open = true;
    byId("pick-word").focus();
  }

  // These are chosen by now, whoever chose them.
  mark(chosen) {
    this.chosen = new Set(chosen);
    for (const tick of this._ticks()) tick.checked = this.chosen.has(Number(tick.value));
    this._count();
  }

  render() {
    if (!this.box.open) return;
    const { scene } = this.map;
    const { id, name, after } = scene.customers;
    this._offer(scene.territories);
    const word = byId("pick-word").value.trim().toLowerCase();
    const territory = byId("pick-territory").value;
    const among = byId("pick-shown").checked ? this.map.shown() : [...id.keys()];
    this.listed = among.filter((i) => (territory === "" || after[i] === Number(territory))
      && (!word || id[i].toLowerCase().includes(word) || name[i].toLowerCase().includes(word)));
    const focused = this.list.contains(document.activeElement) ? document.activeElement.value : null;
    this.list.replaceChildren(...this.listed.slice(0, MOST_LISTED).map((i, at) => element("li", {}, element("label", { class: "tick" },
      element("input", { type: "checkbox", value: i, checked: this.chosen.has(i), tabindex: at ? "-1" : "0" }),
      element("span", {}, name[i] || id[i], element("small", {}, [name[i] ? id[i] : "", scene.territories[after[i]]?.name ?? say("nobody")].filter(Boolean).join(" · ")))))));
    const again = this._ticks().find(({ value }) => value === focused);
    if (again) this._lead(again);
    this._count();
  }

  _offer(territories) {
    const select = byId("pick-territory");
    if (select.options.length === territories.length + 1) return;
    select.replaceChildren(element("option", { value: "" }, say("every_territory")),
      ...territories.map(({ name }, i) => element("option", { value: i }, name)));
  }

  _count() {
    if (!this.box.open) return;
    const more = this.listed.length - MOST_LISTED;
    byId("pick-all").textContent = say("choose_all", { count: number(this.listed.length) });
    byId("pick-all").disabled = !this.listed.length;
    byId("pick-none").disabled = !this.chosen.size;
    byId("pick-told").textContent = !this.listed.length ? say("nothing_found") : more > 0 ? say("more_not_listed", { count: number(more) }) : "";
  }

  _ticks() {
    return [...this.list.querySelectorAll("input")];
  }

  _tick(i, isChosen) {
    const chosen = new Set(this.chosen);
    if (isChosen) chosen.add(i);
    else chosen.delete(i);
    this._tell([...chosen]);
  }

  _tell(chosen) {
    this.hears.chosen([...new Set(chosen)]);
  }

  // The list is one stop of the Tab key; within it the arrows lead.
  _step(event) {
    const ticks = this._ticks();
    const at = ticks.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ticks.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    if (ticks[to]) this._lead(ticks[to]);
  }

  // The Tab key comes back to this one.
  _lead(tick) {
    for (const each of this._ticks()) each.tabIndex = each === tick ? 0 : -1;
    tick.focus();
  }
}
