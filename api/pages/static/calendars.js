// The address under which a phone's calendar reads the visits: made, copied, and taken back.

import { element } from "./elements.js";
import { Offline, ask, attempt, button, byId, done, get, moment, say, sureButton } from "./base.js";

export function listenToCalendars(state) {
  const base = () => `/v1/portfolios/${state.portfolio_id}/reps/${encodeURIComponent(state.rep_id)}/calendars`;

  async function load() {
    byId("secret").replaceChildren();
    if (!state.rep_id) return;
    try {
      const { items } = await get(base());
      byId("calendars").replaceChildren(...items.map((calendar) => element("li", { class: "row" },
        element("span", {}, say("calendar_of", { moment: moment(calendar.created_at) })),
        sureButton(say("revoke"), say("revoke_sure"), async () => {
          await ask("DELETE", `/v1/calendars/${calendar.calendar_id}`);
          await load();
          done(say("calendar_revoked"));
        }, { "aria-label": `${say("revoke")}: ${say("calendar_of", { moment: moment(calendar.created_at) })}` }))));
    } catch (error) {
      if (!(error instanceof Offline)) throw error;
    }
  }

  byId("subscribe").addEventListener("click", () => attempt(byId("subscribe"), async () => {
    const { content } = await ask("POST", base());
    await load();
    const address = content.url;
    byId("secret").replaceChildren(
      element("p", {}, say("calendar_shown_once")),
      element("p", {}, element("code", {}, address)),
      element("p", { class: "buttons" },
        button(say("copy"), async () => {
          await navigator.clipboard.writeText(address);
          done(say("copied"));
        }),
        element("a", { class: "quiet", href: address.replace(/^https?:/, "webcal:") }, say("open_in_calendar"))));
  }));

  return { load };
}
