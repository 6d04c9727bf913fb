"use strict";
// Follows a job by long polls until it has ended; the page that is loaded then shows the result or the reason.
const job = document.getElementById("job");
const ACTIVE = ["queued", "running"];
async function follow() {
  let tag = "";
  for (;;) {
    try {
      const answer = await fetch(`/v1/jobs/${job.dataset.identity}?wait=15`, { headers: tag ? { "If-None-Match": tag } : {} });
      if (answer.status === 200) {
        tag = answer.headers.get("ETag");
        const body = await answer.json();
        if (!ACTIVE.includes(body.state)) return location.reload();
        show(body);
      }
    } catch {
      // the server may be restarting: the job goes on without us
    }
    await new Promise((done) => setTimeout(done, 400));
  }
}
function show(body) {
  document.getElementById("state").className = `state ${body.state}`;
  document.getElementById("fraction").style.width = `${Math.max(5, 100 * body.progress.fraction)}%`;
}
follow();
