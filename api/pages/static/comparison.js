// Plans side by side: a table with the difference to the first, a chart of what a front trades, and twin maps.

import { element } from "./elements.js";
import { ask, attempt, byId, decimal, downloads, follow, get, link, number, page, percent, planName, problemOf, progressBar, say, signedDecimal, signedNumber, signedPercent } from "./base.js";
import { Table } from "./table.js";

const base = `/v1/comparisons/${page.comparison_id}`;
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 340, 56, 20, 16, 44];
let rows = [];

const isPercent = (key) => /deviation|moved_|capacity|gap/.test(key);
const name = (row) => planName(row.label ?? row.scenario, row);

// The first row is what the others are compared with.
function compared(key) {
  return (row) => {
    const [plain, signed] = isPercent(key) ? [percent, signedPercent] : key === "mean_km" ? [decimal, signedDecimal] : [number, signedNumber];
    const shown = plain(row[key]);
    const change = row[`change_${key}`] ?? (rows[0] === row || row.label ? null : row[key] - rows[0][key]);
    if (change === null || change === undefined || rows[0] === row) return shown;
    return element("span", { class: "changed" }, shown, element("small", {}, signed(change) === plain(0) ? "·" : signed(change)));
  };
}

const FIGURES = [
  "territories", "max_deviation_potential", "max_deviation_workload", "moved_customers", "moved_potential", "mean_km", "travel_hours", "workload_peak_hours",
  "capacity_use_max", "gap",
];
const isFront = () => rows[0]?.label !== undefined;

// Driving is measured from the nearest home of any rep, so it is the same in every plan of a front.
function showTable() {
  const figures = FIGURES.filter((key) => key !== "travel_hours" || !isFront());
  new Table(byId("table"), [
    { key: "name", label: say("plan"), value: name, show: (row) => link(`/proposals/${row.proposal_id}`, name(row)) },
    ...figures.map((key) => ({ key, label: say(`column_${key}`), kind: "number", show: compared(key) })),
    { key: "contiguous", label: say("in_one_piece"), show: (row) => (row.contiguous ? say("yes") : say("no")), class: (row) => (row.contiguous ? "" : "bad") },
  ], { label: say("side_by_side") }).show(rows);
}

// ---- the front: moves to the right, driving upwards, the larger the disc the larger the deviation

function mark(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function scale(values, from, to) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (most - least || most || 1) * 0.08;
  return (value) => from + ((value - least + room) / (most - least + 2 * room)) * (to - from);
}

function ends(key) {
  const values = rows.map((row) => row[key]);
  return new Set([Math.min(...values), Math.max(...values)]);
}

function chart(chosen, choose) {
  const x = scale(rows.map((row) => row.moved_customers), LEFT, WIDTH - RIGHT);
  const y = scale(rows.map((row) => row.mean_km), HEIGHT - BOTTOM, TOP);
  const most = Math.max(...rows.map((row) => row.deviation), 1e-9);
  const drawing = mark("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": say("chart_label") });
  drawing.append(
    mark("line", { x1: LEFT, y1: HEIGHT - BOTTOM, x2: WIDTH - RIGHT, y2: HEIGHT - BOTTOM }), mark("line", { x1: LEFT, y1: TOP, x2: LEFT, y2: HEIGHT - BOTTOM }),
    mark("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, class: "axis" }, say("column_moved_customers")),
    mark("text", { transform: `translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`, class: "axis" }, say("column_mean_km")));
  for (const value of ends("moved_customers")) drawing.append(mark("text", { x: x(value), y: HEIGHT - BOTTOM + 16, class: "axis" }, percent(value)));
  for (const value of ends("mean_km")) drawing.append(mark("text", { x: LEFT - 6, y: y(value) + 4, class: "axis end" }, decimal(value)));
  for (const row of [...rows].sort((a, b) => b.deviation - a.deviation)) {
    const disc = mark("circle", {
      cx: x(row.moved_customers), cy: y(row.mean_km), r: 5 + 10 * Math.sqrt(row.deviation / most), class: row === chosen ? "chosen" : "",
    }, mark("title", {}, name(row)));
    disc.addEventListener("click", () => choose(row));
    drawing.append(disc);
  }
  byId("chart").replaceChildren(drawing);
}

function front() {
  const inOrder = [...rows].sort((a, b) => a.moved_customers - b.moved_customers);
  const slider = byId("slider");
  byId("front").hidden = false;
  slider.max = inOrder.length - 1;
  const choose = (row) => {
    slider.value = inOrder.indexOf(row);
    slider.setAttribute("aria-valuetext", name(row));
    chart(row, choose);
    byId("chosen").replaceChildren(
      element("h3", {}, link(`/proposals/${row.proposal_id}`, name(row))),
      element("dl", { class: "facts" }, ["moved_customers", "mean_km", "max_deviation_potential", "max_deviation_workload", "gap"].map((key) =>
        [element("dt", {}, say(`column_${key}`)), element("dd", {}, isPercent(key) ? percent(row[key]) : decimal(row[key]))])),
      element("p", {}, link(`/proposals/${row.proposal_id}`, say("open_proposal"), { class: "main" })));
  };
  slider.addEventListener("input", () => choose(inOrder[Number(slider.value)]));
  choose(inOrder.find(({ label }) => label.includes("balanced choice")) ?? inOrder[Math.floor((inOrder.length - 1) / 2)]);
}

// ---- twin maps

function twins() {
  byId("twins").hidden = rows.length < 2;
  for (const [side, at] of [["left", 0], ["right", Math.min(1, rows.length - 1)]]) {
    const select = byId(side);
    select.replaceChildren(...rows.map((row, i) => element("option", { value: i }, name(row))));
    select.value = at;
    const show = () => { byId(`${side}-map`).src = `/v1/proposals/${rows[select.value].proposal_id}/map?language=${page.language}`; };
    select.addEventListener("change", show);
    byId(`${side}-map`).addEventListener("load", () => followOther(side));
    // Two large pages: only when the reader comes to them.
    new IntersectionObserver((entries, watching) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watching.disconnect();
        show();
      }
    }).observe(byId(`${side}-map`));
  }
}

const mapIn = (side) => byId(`${side}-map`).contentWindow?.map_territories;
let isFollowing = false;

// Both maps look at the same place: who moves one moves the other.
function followOther(side) {
  const moved = mapIn(side);
  moved?.on("moveend", () => {
    const other = mapIn(side === "left" ? "right" : "left");
    if (!other || isFollowing) return;
    isFollowing = true;
    other.setView(moved.getCenter(), moved.getZoom(), { animate: false });
    isFollowing = false;
  });
}

async function open() {
  const { content } = await ask("GET", base);
  const box = byId("making");
  if (content.status === "planning") {
    const { box: bar, tell } = progressBar(content.job);
    box.replaceChildren(element("div", { class: "empty-state" }, element("p", {}, say("is_compared")), bar));
    await follow(content.job, tell);
    return open();
  }
  box.replaceChildren();
  if (content.status !== "ready") {
    box.replaceChildren(element("div", { class: "said" }, problemOf({ problem: content.problem || { title: say(`status_${content.status}`) } })));
    return undefined;
  }
  rows = content.rows;
  byId("ready").hidden = false;
  if (isFront()) front();
  showTable();
  downloads(base);
  twins();
  return undefined;
}

attempt(null, async () => {
  document.title = say("side_by_side");
  const portfolio = get(`/v1/portfolios/${page.portfolio_id}`).then((told) => {
    byId("crumb").textContent = told.name;
    byId("crumb").href = `/portfolios/${page.portfolio_id}`;
  });
  await Promise.all([portfolio, open()]);
});
