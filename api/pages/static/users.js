import { element } from "./elements.js";
import { all, ask, attempt, button, byId, done, me, onSubmit, say } from "./base.js";
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

const form = byId("create");
form.elements.role.addEventListener("change", () => {
  byId("rep-field").hidden = form.elements.role.value !== "rep";
  form.elements.rep_id.required = form.elements.role.value === "rep";
});

onSubmit(form, async ({ login, name, role, regions, rep_id: rep }) => {
  const { content } = await ask("POST", "/v1/users", { body: {
    login: login.value, name: name.value, role: role.value,
    regions: regions.value.split(/[,，;]+/).map((each) => each.trim()).filter(Boolean),
    rep_id: role.value === "rep" ? rep.value : null,
  } });
  form.reset();
  byId("rep-field").hidden = true;
  showSecret(content);
  await open();
});

async function open() {
  table.show(await all("/v1/users"));
}

attempt(null, open);
