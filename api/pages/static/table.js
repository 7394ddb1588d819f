// Tables: sorted by any column, filtered by a word, a part of the rows at a time.

import { element } from "./elements.js";
import { number, say } from "./base.js";

const AT_ONCE = 50;

// columns: {key, label, kind: "text" | "number", show(row) -> text or node, value(row) -> what it is sorted by}
export class Table {
  constructor(box, columns, { empty = say("nothing_here"), filter = null, onRow = null, sort = null, label = "", atOnce = AT_ONCE } = {}) {
    Object.assign(this, { box, columns, empty, onRow, sort, label, atOnce });
    this.rows = [];
    this.shown = atOnce;
    this.word = "";
    this.filter = filter;
    if (filter) {
      this.input = element("input", { type: "search", placeholder: say("filter"), "aria-label": say("filter"), class: "filter" });
      this.input.hidden = true;
      this.input.addEventListener("input", () => {
        this.word = this.input.value.trim().toLowerCase();
        this.shown = this.atOnce;
        this.render();
      });
    }
    this.body = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label });
    this.foot = element("p", { class: "table-foot" });
    this.body.hidden = true;
    box.replaceChildren(...[this.input, this.body, this.foot].filter(Boolean));
  }

  show(rows) {
    this.rows = rows;
    this.render();
  }

  render() {
    this.body.hidden = false;
    const chosen = this._chosen();
    if (this.input) this.input.hidden = this.rows.length < 8;
    if (!chosen.length) {
      this.body.replaceChildren(element("p", { class: "empty" }, this.word ? say("nothing_found") : this.empty));
      this.foot.replaceChildren();
      return;
    }
    const focused = this._focused();
    this.body.replaceChildren(element("table", {},
      element("thead", {}, element("tr", {}, this.columns.map((column) => this._head(column)))),
      element("tbody", {}, chosen.slice(0, this.shown).map((row) => this._row(row)))));
    if (focused) this.body.querySelector(focused)?.focus();
    const more = chosen.length - this.shown;
    this.foot.replaceChildren(...(more > 0
      ? [element("button", { type: "button", class: "quiet", onclick: () => this._more() }, say("show_more_of", { count: Math.min(more, 4 * this.atOnce), all: number(more) }))]
      : []));
  }

  // How to find what has the keyboard's focus once the rows are drawn anew.
  _focused() {
    const active = document.activeElement;
    if (!this.body.contains(active)) return null;
    if (active.dataset.column) return `[data-column="${active.dataset.column}"]`;
    const name = active.getAttribute("aria-label");
    return name && active !== this.body ? `[aria-label="${CSS.escape(name)}"]` : null;
  }

  _more() {
    this.shown += 4 * this.atOnce;
    this.render();
  }

  _value(column, row) {
    return column.value ? column.value(row) : row[column.key];
  }

  _chosen() {
    let rows = this.rows;
    if (this.word) rows = rows.filter((row) => this.filter(row).toLowerCase().includes(this.word));
    const column = this.sort && this.columns.find(({ key }) => key === this.sort.key);
    if (!column) return rows;
    const sign = this.sort.descending ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [x, y] = [this._value(column, a), this._value(column, b)];
      if (x === y) return 0;
      if (x === null || x === undefined) return 1;
      if (y === null || y === undefined) return -1;
      return sign * (typeof x === "string" ? x.localeCompare(String(y), undefined, { numeric: true }) : x - y);
    });
  }

  _head(column) {
    if (column.kind === "act") return element("th", { scope: "col" }, element("span", { class: "unseen" }, column.label));
    const isSorted = this.sort?.key === column.key;
    const sort = isSorted ? (this.sort.descending ? "descending" : "ascending") : "none";
    return element("th", { scope: "col", class: column.kind === "number" ? "number" : "", "aria-sort": sort },
      element("button", {
        type: "button",
        "data-column": column.key,
        onclick: () => {
          this.sort = { key: column.key, descending: isSorted ? !this.sort.descending : column.kind === "number" };
          this.render();
        },
      }, column.label, element("span", { "aria-hidden": "true" }, isSorted ? (this.sort.descending ? " ↓" : " ↑") : "")));
  }

  _row(row) {
    const cells = this.columns.map((column, i) => {
      const told = column.show ? column.show(row) : row[column.key] ?? "–";
      const name = [column.kind === "number" ? "number" : "", column.class?.(row) || ""].join(" ").trim();
      return i === 0 ? element("th", { scope: "row", class: name }, told) : element("td", { class: name, "data-label": column.label }, told);
    });
    const made = element("tr", {}, cells);
    if (this.onRow) {
      made.classList.add("can-click");
      made.addEventListener("click", (event) => {
        if (!event.target.closest("a, button, input, select, label")) this.onRow(row);
      });
    }
    return made;
  }
}
