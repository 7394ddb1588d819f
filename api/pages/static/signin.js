import { ask, onSubmit, page } from "./base.js";

onSubmit(document.getElementById("door"), async ({ login, password }) => {
  try {
    const { content } = await ask("POST", "/v1/session", { body: { login: login.value.trim(), password: password.value } });
    location.assign(content.must_change_password ? "/password" : page.next);
  } catch (error) {
    password.value = "";
    password.focus();
    throw error;
  }
});
