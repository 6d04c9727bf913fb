"use strict";
// Keeps the figures of this period up to date: asks for the part of the page that changes, while somebody looks at it.
const live = document.getElementById("live");
const PAUSE = 15000, LONGEST = 240000;
async function follow() {
  let pause = PAUSE;
  for (;;) {
    await new Promise((done) => setTimeout(done, pause));
    if (document.hidden || live.contains(document.activeElement)) continue;
    try {
      const answer = await fetch(live.dataset.live, { redirect: "manual" });
      // logged out, or not ours to see any more: asking again would not help, and the page stands as it is
      if (answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) return stop();
      if (answer.ok) show(await answer.text());
      pause = answer.ok ? PAUSE : Math.min(2 * pause, LONGEST);
    } catch {
      // the server may be restarting
      pause = Math.min(2 * pause, LONGEST);
    }
  }
}
function stop() {
  document.getElementById("stopped").hidden = false;
}
function show(part) {
  const opened = [...live.querySelectorAll("details")].map((one) => one.open);
  const scrolled = live.querySelector(".long")?.scrollTop || 0;
  live.innerHTML = part;
  live.querySelectorAll("details").forEach((one, place) => (one.open = opened[place] || false));
  const table = live.querySelector(".long");
  if (table) table.scrollTop = scrolled;
}
follow();
