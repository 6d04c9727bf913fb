"use strict";
// Follows a job by long polls until it has ended; the page that is loaded then shows the result or the reason.
const job = document.getElementById("job");
const ACTIVE = ["queued", "running"];
const SHORTEST = 400, LONGEST = 15000;
async function follow() {
  let tag = "", pause = SHORTEST;
  for (;;) {
    try {
      const answer = await fetch(`/v1/jobs/${job.dataset.identity}?wait=15`, { headers: tag ? { "If-None-Match": tag } : {} });
      // logged out, or the job is gone: asking again would not help, and the page stands as it is
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return stop();
      if (answer.ok) {
        tag = answer.headers.get("ETag");
        const body = await answer.json();
        if (!ACTIVE.includes(body.state)) return location.reload();
        show(body);
      }
      pause = answer.ok || answer.status === 304 ? SHORTEST : Math.min(2 * pause, LONGEST);
    } catch {
      // the server may be restarting: the job goes on without us
      pause = Math.min(2 * pause, LONGEST);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}
function stop() {
  document.getElementById("stopped").hidden = false;
  document.querySelector(".bar").classList.remove("busy");
}
function show(body) {
  const state = document.getElementById("state");
  state.className = `state ${body.state}`;
  state.textContent = job.dataset[body.state] || state.textContent;
  const position = document.getElementById("position");
  if (position) position.hidden = body.state !== "queued";
  document.getElementById("fraction").style.width = `${Math.max(5, 100 * body.progress.fraction)}%`;
}
follow();
