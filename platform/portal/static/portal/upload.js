"use strict";
// Files in, study out, price of each analysis, job. Everything goes through the REST interface that clients use too.
const root = document.getElementById("upload");
const text = root.dataset;
const drop = document.getElementById("drop");
const list = document.getElementById("list");
const problem = document.getElementById("problem");
const progress = document.getElementById("progress");
const choice = document.getElementById("choice");
const count = document.getElementById("count");
const FEW_FILES = 8;
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

function say(words, link) {
  problem.replaceChildren(words, ...(link ? [" ", link] : []));
  problem.hidden = !words;
}

function linkTo(address, words) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = words;
  return link;
}

// What the customer is told of a refusal. The API's words on a missing credential are for programs.
function tell(answer) {
  const isOut = answer.status === 401 || answer.body.code === "permission_denied";
  if (isOut) say(text.out, linkTo(text.login, text.again));
  else say(answer.body.detail);
}

// The answer as an object, also where something between us and the server answers with a page of its own.
function read(status, words) {
  let body = null;
  try {
    body = JSON.parse(words);
  } catch {
    // told below
  }
  if (body && typeof body === "object") return { status, ok: status < 400, body: { errors: [], ...body } };
  return { status, ok: false, body: { detail: `${text.unclear} (${status})`, errors: [] } };
}

// How many of many: the list is too long to count by eye.
function sum(kinds) {
  const shown = ["stored", "duplicate", "rejected"].map((kind) => [kinds.filter((one) => one === kind).length, kind]);
  count.textContent = shown.filter(([number]) => number).map(([number, kind]) => `${number} ${text[kind]}`).join(" · ");
  count.hidden = kinds.length <= FEW_FILES;
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
    request.onload = () => done(read(request.status, request.responseText));
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
  choice.hidden = count.hidden = true;
  progress.hidden = false;
  showFiles(files);
  try {
    const answer = await send(files);
    if (answer.status === 201) await taken(answer.body);
    else refused(answer, files);
  } catch (error) {
    say(error.message || text.failed);
    untaken(files);
  }
  progress.hidden = true;
}

async function taken(study) {
  list.replaceChildren(...study.files.map(outcome));
  sum(study.files.map((file) => file.status));
  if (study.held) say(text.held);
  else await offer(study.id);
}

// The files as the server names them: a zip is told as the files in it.
function refused(answer, files) {
  tell(answer);
  const told = answer.body.errors.filter((entry) => entry.name !== undefined);
  if (!told.length) return untaken(files);
  list.replaceChildren(...told.map((entry) => line(entry.name, "rejected", entry.detail)));
  sum(told.map(() => "rejected"));
}

function untaken(files) {
  list.replaceChildren(...files.map((file) => line(file.name, "rejected", text.untaken)));
}

function outcome(file) {
  return line(file.name, file.status, file.detail || text[file.status]);
}

async function post(path, body, more = {}) {
  const sent = { ...headers, ...more, "Content-Type": "application/json" };
  try {
    const answer = await fetch(path, { method: "POST", headers: sent, body: JSON.stringify(body) });
    return read(answer.status, await answer.text());
  } catch {
    return { status: 0, ok: false, body: { detail: text.failed, errors: [] } };
  }
}

// `randomUUID` is not there on a page that came over plain HTTP.
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
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
  const answer = await post("/v1/jobs/estimate", { study, plugin: card.dataset.plugin });
  const { ok, body } = answer;
  const isSpent = ok && spent(body);
  card.classList.toggle("unfit", !ok);
  button.disabled = !ok || isSpent;
  shown.textContent = ok ? `${amount(body.quote)} · ${left(body.quota[0])}` : body.detail;
  if (isSpent) shown.replaceChildren(`${text.spent} `, linkTo(text.plans, text.plansName));
  if (answer.status === 401) tell(answer);
  // one key for what is offered here: however often it is asked for, it is one job
  const key = uuid();
  button.onclick = () => submit(button, study, card.dataset.plugin, key);
}

// Whether a limit that is not charged beyond leaves too little for this job.
function spent({ quote, quota }) {
  return quota.some((one) => one.hard && one.limit !== null && remaining(one) < Number(quote.quantity));
}

function remaining(quota) {
  return Math.max(0, quota.limit - quota.used - quota.reserved);
}

function amount(quote) {
  const format = new Intl.NumberFormat(text.language, { style: "currency", currency: quote.currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  return format.format(quote.amount / 10 ** digits);
}

function left(quota) {
  if (!quota || quota.limit === null) return text.unlimited;
  return `${remaining(quota)} ${text.left}`;
}

// The button stays off while the browser goes to the job: a second click would be another one.
async function submit(button, study, plugin, key) {
  button.disabled = true;
  const answer = await post("/v1/jobs", { study, plugin }, { "Idempotency-Key": key });
  if (answer.ok) return location.assign(`/jobs/${answer.body.id}`);
  tell(answer);
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
