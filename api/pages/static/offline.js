// Lets a rep's page open without a line: what was seen last is shown again. Nothing is written from here.

const KEPT = "territory";
const ANY = { ignoreVary: true }; // it is one person's browser, and pages and scripts ask with different headers
const IS_KEPT = /^\/(my$|static\/|v1\/portfolios(\/[^/]+\/(customers|reps|handovers|challenges))?$)/;

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
  try {
    return await keep(kept, request);
  } catch (error) {
    const last = await kept.match(request, ANY);
    if (last) return last;
    throw error;
  }
}

async function keep(kept, request) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected) await kept.put(request, answer.clone());
  return answer;
}
