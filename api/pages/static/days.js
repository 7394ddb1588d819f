// Days as text, 2027-03-03, which is how everything here has them.

import { page } from "./base.js";

const locale = page.language === "zh" ? "zh-CN" : "en-GB";
const asLong = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const asShort = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" });

export const longDay = (day) => asLong.format(new Date(`${day}T00:00:00`));
export const shortDay = (day) => asShort.format(new Date(`${day}T00:00:00`));

export function shifted(day, by) {
  const at = new Date(`${day}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + by);
  return at.toISOString().slice(0, 10);
}

export function mondayOf(day) {
  return shifted(day, -((new Date(`${day}T12:00:00Z`).getUTCDay() + 6) % 7));
}
