import { element } from "./elements.js";
import { all, ask, attempt, button, byId, done, get, me, moment, onSubmit, openDialog, say, sureButton } from "./base.js";
import { Table } from "./table.js";

const table = new Table(byId("table"), [
  { key: "login", label: say("login") },
  { key: "name", label: say("name") },
  { key: "role", label: say("role"), show: (row) => say(`role_${row.role}`) },
  { key: "regions", label: say("regions"), show: (row) => row.regions.join(", ") || "–", value: (row) => row.regions.join() },
  { key: "rep_id", label: say("rep_id") },
  { key: "is_active", label: say("status"), show: (row) => say(row.is_active ? (row.must_change_password ? "has_one_time_password" : "active") : "inactive"), value: (row) => Number(row.is_active) },
  { key: "act", label: say("change"), kind: "act", show: acts },
], { label: say("users"), filter: (row) => `${row.login} ${row.name}`, sort: { key: "login" } });

function acts(row) {
  if (row.user_id === me.user_id) return "–";
  return element("span", { class: "inline" },
    button(say("change_user"), async () => change(row), { "aria-label": `${say("change_user")}: ${row.login}` }),
    button(say("new_password"), async () => {
      const { content } = await ask("POST", `/v1/users/${row.user_id}/password`);
      showSecret(content);
      await open();
    }),
    button(say(row.is_active ? "make_inactive" : "make_active"), async () => {
      await ask("PATCH", `/v1/users/${row.user_id}`, { body: { is_active: !row.is_active }, match: `"${row.revision}"` });
      await open();
      done(say("saved"));
    }));
}

function showSecret({ user, one_time_password: password }) {
  byId("secret").replaceChildren(element("p", {}, say("hand_over", { login: user.login })), element("code", {}, password));
  byId("secret").scrollIntoView({ block: "nearest" });
}

// ---- what somebody is and may see

const form = byId("create");
const dialog = byId("change");
const changing = dialog.querySelector("form");

// Only a rep has an id among the reps.
function askForRep({ role, rep_id: rep }) {
  rep.closest("label").hidden = role.value !== "rep";
  rep.required = role.value === "rep";
}

const rights = ({ name, role, regions, rep_id: rep }) => ({
  name: name.value, role: role.value,
  regions: regions.value.split(/[,，;]+/).map((each) => each.trim()).filter(Boolean),
  rep_id: role.value === "rep" ? rep.value : null,
});

for (const each of [form, changing]) each.elements.role.addEventListener("change", () => askForRep(each.elements));

onSubmit(form, async (fields) => {
  const { content } = await ask("POST", "/v1/users", { body: { login: fields.login.value, ...rights(fields) } });
  form.reset();
  askForRep(fields);
  showSecret(content);
  await open();
});

async function change(row) {
  dialog.user = row;
  byId("change-title").textContent = row.login;
  byId("by-company").hidden = !row.has_company_rights;
  const fields = changing.elements;
  Object.assign(fields.name, { value: row.name });
  Object.assign(fields.role, { value: row.role });
  Object.assign(fields.regions, { value: row.regions.join(", ") });
  Object.assign(fields.rep_id, { value: row.rep_id ?? "" });
  askForRep(fields);
  await showTokens(row);
  openDialog(dialog);
}

async function showTokens(row) {
  const { items } = await get(`/v1/users/${row.user_id}/tokens`);
  byId("tokens").replaceChildren(...(items.length ? items.map((token) => element("li", { class: "inline" },
    `${token.name} · ${say("valid_until")} ${moment(token.expires_at)}`,
    sureButton(say("revoke"), say("revoke_sure"), async () => {
      await ask("DELETE", `/v1/tokens/${token.token_id}`);
      await showTokens(row);
    }, { "aria-label": `${say("revoke")}: ${token.name}` }))) : [element("li", { class: "soft" }, say("no_tokens"))]));
}

onSubmit(changing, async (fields) => {
  const { user_id: id, revision } = dialog.user;
  await ask("PATCH", `/v1/users/${id}`, { body: rights(fields), match: `"${revision}"` });
  dialog.close();
  await open();
  done(say("saved"));
});

async function open() {
  table.show(await all("/v1/users"));
}

attempt(null, open);
