// Finding a customer by id or name: what the map shows to the eye, for the keyboard.

import { element } from "./elements.js";
import { byId, done, say } from "./base.js";

const MOST_SHOWN = 20;

// told() gives the customers of the map, {id, name}; choose(i) hears which of them was meant.
export function searchCustomers(told, choose) {
  const input = byId("query");

  function matching(word) {
    const { id, name } = told();
    return [...id.keys()].filter((i) => id[i].toLowerCase().includes(word) || name[i].toLowerCase().includes(word));
  }

  function find() {
    const word = input.value.trim().toLowerCase();
    if (!word) return;
    const found = matching(word);
    const exact = found.find((i) => told().id[i].toLowerCase() === word);
    if (found.length) choose(exact ?? found[0]);
    else done(say("nothing_found"));
  }

  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  input.addEventListener("input", (event) => {
    const word = input.value.trim().toLowerCase();
    // A browser that fills in what was picked from the list says so by the kind of event.
    if (event.inputType === "insertReplacementText" || event.inputType === undefined) find();
    byId("found").replaceChildren(...(word.length < 2 ? [] : matching(word).slice(0, MOST_SHOWN).map((i) =>
      element("option", { value: told().id[i] }, told().name[i] || told().id[i]))));
  });
}
