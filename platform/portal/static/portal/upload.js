"use strict";
// Files in, study out, price of each analysis, job. Everything goes through the REST interface that clients use too.
const root = document.getElementById("upload");
const text = root.dataset;
const drop = document.getElementById("drop");
const list = document.getElementById("list");
const problem = document.getElementById("problem");
const progress = document.getElementById("progress");
const choice = document.getElementById("choice");
const headers = { "X-CSRFToken": text.csrf, "Accept-Language": text.language };

// All files below a dropped entry; a folder gives its entries in portions.
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const portion = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!portion.length) return found;
    for (const below of portion) found.push(...(await filesOf(below)));
  }
}

function showFiles(files) {
  list.replaceChildren(...files.map((file) => line(file.name, "duplicate", text.waiting)));
}

function line(name, kind, words) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  const state = document.createElement("span");
  label.textContent = name;
  state.textContent = words;
  state.className = kind;
  item.append(label, state);
  return item;
}

function say(words) {
  problem.textContent = words;
  problem.hidden = !words;
}

// XMLHttpRequest, for fetch does not tell how far an upload is. Files are sent in order: those behind the mark are done.
function send(files) {
  const form = new FormData();
  files.forEach((file) => form.append("files", file, file.name));
  const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/studies");
    Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
    request.upload.onprogress = (event) => advance(files, event.loaded, total);
    request.onload = () => done({ status: request.status, body: JSON.parse(request.responseText) });
    request.onerror = () => fail(new Error(text.failed));
    request.send(form);
  });
}

function advance(files, loaded, total) {
  const percent = Math.min(100, Math.round((100 * loaded) / total));
  progress.firstElementChild.style.width = `${percent}%`;
  progress.setAttribute("aria-valuenow", percent);
  let before = 0;
  files.forEach((file, position) => {
    const state = list.children[position].lastElementChild;
    const share = Math.round((100 * Math.max(0, Math.min(file.size, loaded - before))) / (file.size || 1));
    state.textContent = share >= 100 ? text.checking : share > 0 ? `${text.sending} ${share} %` : text.waiting;
    before += file.size;
  });
}

async function take(files) {
  if (!files.length) return;
  say("");
  choice.hidden = true;
  progress.hidden = false;
  showFiles(files);
  try {
    const answer = await send(files);
    if (answer.status === 201) {
      list.replaceChildren(...answer.body.files.map(outcome));
      await offer(answer.body.id);
    } else {
      say(answer.body.detail);
      const why = new Map(answer.body.errors.map((entry) => [entry.pointer, entry.detail]));
      list.replaceChildren(...files.map((file, n) => line(file.name, "rejected", why.get(`/files/${n}`) || "")));
    }
  } catch (error) {
    say(error.message || text.failed);
  }
  progress.hidden = true;
}

function outcome(file) {
  return line(file.name, file.status, file.detail || text[file.status]);
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { ok: answer.ok, body: await answer.json() };
}

// What each analysis would cost, and what is left of the quota; one that does not take the study says why.
async function offer(study) {
  choice.hidden = false;
  const cards = [...document.querySelectorAll(".analysis")];
  await Promise.all(cards.map((card) => price(card, study)));
  choice.scrollIntoView({ behavior: "smooth", block: "nearest" });
}

async function price(card, study) {
  const button = card.querySelector("button");
  const shown = card.querySelector(".price");
  const { ok, body } = await post("/v1/jobs/estimate", { study, plugin: card.dataset.plugin });
  card.classList.toggle("unfit", !ok);
  button.disabled = !ok;
  shown.textContent = ok ? `${amount(body.quote)} · ${left(body.quota[0])}` : body.detail;
  button.onclick = () => submit(button, study, card.dataset.plugin);
}

function amount(quote) {
  const format = new Intl.NumberFormat(text.language, { style: "currency", currency: quote.currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  return format.format(quote.amount / 10 ** digits);
}

function left(quota) {
  if (!quota || quota.limit === null) return text.unlimited;
  return `${Math.max(0, quota.limit - quota.used - quota.reserved)} ${text.left}`;
}

async function submit(button, study, plugin) {
  button.disabled = true;
  const { ok, body } = await post("/v1/jobs", { study, plugin });
  if (ok) location.assign(`/jobs/${body.id}`);
  else say(body.detail);
  button.disabled = false;
}

for (const kind of ["files", "folder"]) {
  const input = document.getElementById(kind);
  document.getElementById(`pick-${kind}`).addEventListener("click", () => input.click());
  input.addEventListener("change", () => take([...input.files]));
}
drop.addEventListener("keydown", (event) => {
  if (event.target === drop && (event.key === "Enter" || event.key === " ")) document.getElementById("files").click();
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  take((await Promise.all(entries.map(filesOf))).flat());
});
