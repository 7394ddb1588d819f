// Lets a rep's page open without a line: what was seen last is shown again. Nothing is written from here.

const KEPT = "territory";
const ANY = { ignoreVary: true }; // it is one person's browser, and pages and scripts ask with different headers
const OF_A_PORTFOLIO = "customers|reps|handovers|challenges|calls|visits|reps/[^/]+/(route|calendars)";
const IS_KEPT = new RegExp(`^/(my(/day)?$|static/|v1/portfolios(/[^/]+/(${OF_A_PORTFOLIO}))?$)`);
const PATIENCE = 5000; // milliseconds: a line that is there and brings nothing is worse than none

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !IS_KEPT.test(pathname)) return;
  event.respondWith(pathname.startsWith("/static/") ? keptFirst(request) : lineFirst(request));
});

// Another address stands for other content, so what is kept never is old.
async function keptFirst(request) {
  const kept = await caches.open(KEPT);
  return (await kept.match(request, ANY)) || keep(kept, request);
}

async function lineFirst(request) {
  const kept = await caches.open(KEPT);
  const last = await kept.match(request, ANY);
  const fresh = keep(kept, request);
  if (!last) return fresh;
  const tired = new Promise((resolve) => { setTimeout(() => resolve(last), PATIENCE); });
  return Promise.race([fresh.catch(() => last), tired]);
}

async function keep(kept, request) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected) await kept.put(request, answer.clone());
  return answer;
}
