import { element } from "./elements.js";
import { ask, attempt, byId, get, moment, onSubmit, say, sureButton } from "./base.js";
import { Table } from "./table.js";

const table = new Table(byId("table"), [
  { key: "name", label: say("name") },
  { key: "created_at", label: say("created"), show: (row) => moment(row.created_at) },
  { key: "expires_at", label: say("valid_until"), show: (row) => moment(row.expires_at) },
  { key: "act", label: say("revoke"), kind: "act", show: (row) => sureButton(say("revoke"), say("revoke_sure"), async () => {
    await ask("DELETE", `/v1/tokens/${row.token_id}`);
    await open();
  }, { "aria-label": `${say("revoke")}: ${row.name}` }) },
], { label: say("tokens"), empty: say("no_tokens") });

async function open() {
  table.show((await get("/v1/tokens")).items);
}

onSubmit(byId("create"), async ({ name, days }) => {
  const { content } = await ask("POST", "/v1/tokens", { body: { name: name.value, days: Number(days.value) } });
  byId("secret").replaceChildren(element("p", {}, say("shown_once")), element("code", {}, content.secret));
  name.value = "";
  await open();
});

attempt(null, open);
