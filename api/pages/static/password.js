import { Refused, ask, onSubmit, say } from "./base.js";

onSubmit(document.getElementById("change"), async ({ old, new: fresh, again }) => {
  if (fresh.value !== again.value) throw new Refused(422, { title: say("passwords_differ") });
  await ask("PUT", "/v1/me/password", { body: { old: old.value, new: fresh.value } });
  location.assign("/signin");
});
