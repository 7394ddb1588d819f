// Keeps a rep's pages on the phone, so that they open without a line; the worker (offline.js) serves them.

import { localDay, me } from "./base.js";

const KEPT = "territory";
const READER = "territory-reader";
const KEPT_DAYS = 14;

// ahead: addresses of what will be looked at next
export async function keepForLater(ahead = []) {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;
  // What one person has read is not for the next one who signs in on this phone.
  if (localStorage.getItem(READER) !== me.user_id) await caches.delete(KEPT);
  localStorage.setItem(READER, me.user_id);
  const kept = await caches.open(KEPT);
  const loaded = navigator.serviceWorker.controller ? [] : performance.getEntriesByType("resource").map(({ name }) => new URL(name))
    .filter(({ origin, pathname }) => origin === location.origin && /^\/(static|v1\/portfolios)/.test(pathname));
  try {
    if (loaded.length) await kept.addAll([location.pathname, ...new Set(loaded.map(String))]);
    await kept.addAll(ahead);
    await navigator.serviceWorker.register("/offline.js", { scope: "/my" });
  } catch (error) {
    if (error instanceof TypeError) return; // the line went meanwhile: all of it the next time
    throw error;
  }
  await forgetOld(kept);
}

// Days long over, and scripts of an older version.
async function forgetOld(kept) {
  const version = new URL(import.meta.url).pathname.split("/").slice(0, 3).join("/");
  const oldest = localDay(-KEPT_DAYS);
  for (const request of await kept.keys()) {
    const { pathname, searchParams } = new URL(request.url);
    const day = searchParams.get("day") ?? searchParams.get("until");
    if ((day && day < oldest) || (pathname.startsWith("/static/") && !pathname.startsWith(`${version}/`))) await kept.delete(request);
  }
}
