// Backups: when the last one was made, making one now, taking it away, and how to put one back.

import { element } from "./elements.js";
import { ask, attempt, byId, done, follow, get, link, megabytes, moment, problemOf, progressBar, say, sureButton } from "./base.js";
import { Table } from "./table.js";

const table = new Table(byId("table"), [
  { key: "made_at", label: say("made_at"), show: (row) => moment(row.made_at) },
  { key: "bytes", label: say("size"), kind: "number", show: (row) => megabytes(row.bytes) },
  { key: "act", label: say("download"), kind: "act", show: (row) => element("span", { class: "inline" },
    link(row.file, say("download"), { class: "quiet", download: "", "aria-label": `${say("download")}: ${moment(row.made_at)}` }),
    sureButton(say("remove"), say("remove_sure"), async () => {
      await ask("DELETE", `/v1/backups/${row.backup_id}`);
      await open();
    }, { "aria-label": `${say("remove")}: ${moment(row.made_at)}` })) },
], { label: say("backups"), empty: say("no_backups") });

async function open() {
  const { items } = await get("/v1/backups");
  const ready = items.filter(({ status }) => status === "ready");
  byId("last").textContent = ready.length ? say("last_backup", { moment: moment(ready[0].made_at) }) : say("no_backups");
  table.show(ready);
  const [unfinished] = items.filter(({ status }) => status !== "ready");
  if (unfinished?.status === "making") return watch(unfinished);
  byId("making").replaceChildren(...(unfinished?.status === "failed" ? [element("div", { class: "said" }, problemOf({ problem: unfinished.problem }))] : []));
  return undefined;
}

async function watch({ job }) {
  const { box, tell } = progressBar(job);
  byId("making").replaceChildren(box);
  byId("make").disabled = true;
  const { status } = await follow(job, tell);
  byId("make").disabled = false;
  await open();
  if (status === "done") done(say("backup_made"));
}

byId("make").addEventListener("click", () => attempt(byId("make"), async () => {
  const { content } = await ask("POST", "/v1/backups");
  // Not waited for, or the button would stay busy while it is made.
  attempt(null, () => watch(content));
}));

attempt(null, open);
