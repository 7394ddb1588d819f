import { element } from "./elements.js";
import { attempt, byId, get, hasWord, moment, say } from "./base.js";
import { Table } from "./table.js";

let rows = [];
let next = "/v1/audit?limit=100";
let names = new Map();

// "proposal.approved", in words.
function told(action) {
  const [of, was] = action.split(".");
  return hasWord(`audit_of_${of}`) && hasWord(`audit_was_${was}`) ? `${say(`audit_of_${of}`)} ${say(`audit_was_${was}`)}` : action;
}

const table = new Table(byId("table"), [
  { key: "at", label: say("when"), show: (row) => moment(row.at) },
  { key: "user_id", label: say("who"), show: (row) => names.get(row.user_id) || row.user_id },
  { key: "action", label: say("what"), show: (row) => element("span", { title: row.action }, told(row.action)) },
  { key: "object_id", label: say("on_what"), show: (row) => element("code", {}, row.object_id) },
  { key: "details", label: say("details"), value: (row) => JSON.stringify(row.details), show: (row) => element("code", { class: "details" }, Object.keys(row.details).length ? JSON.stringify(row.details) : "–") },
], { label: say("audit"), filter: (row) => `${row.action} ${told(row.action)} ${names.get(row.user_id)} ${row.object_id} ${JSON.stringify(row.details)}`, atOnce: 100 });

async function more() {
  const part = await get(next);
  rows = [...rows, ...part.items];
  next = part.next;
  byId("more").hidden = !next;
  table.show(rows);
}

byId("more").addEventListener("click", () => attempt(byId("more"), more));
attempt(null, async () => {
  const { items } = await get("/v1/users?limit=1000");
  names = new Map(items.map((user) => [user.user_id, user.login]));
  await more();
});
