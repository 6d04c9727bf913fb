"use strict";
// Draws the box of a finding on its picture. The form's number fields hold the box: they work without this script, and
// whatever is dragged or typed ends in them.
const SVG = "http://www.w3.org/2000/svg";
const SIDES = ["left", "top", "right", "bottom"];
const CORNERS = { nw: [0, 1], ne: [2, 1], sw: [0, 3], se: [2, 3] };
const STEP = 1, LEAP = 10, LEAST = 1, FIRST_SHARE = 0.1;

class Editor {
  constructor(form) {
    this.form = form;
    this.fields = SIDES.map((side) => form.elements[side]);
    this.details = form.closest("details");
    this.details.addEventListener("toggle", () => (this.details.open ? this.start() : this.stop()));
    this.fields.forEach((field) => field.addEventListener("input", () => this.draw()));
    if (form.elements.instance.tagName === "SELECT") {
      form.elements.instance.addEventListener("change", () => { this.stop(); this.start(); });
    }
  }

  start() {
    document.querySelectorAll("details:has(form.draw)[open]").forEach((other) => { if (other !== this.details) other.open = false; });
    this.picture = document.querySelector(`svg[data-instance="${CSS.escape(this.form.elements.instance.value)}"]`);
    if (!this.picture) return;
    this.form.querySelector(".hint").hidden = false;
    this.width = this.picture.viewBox.baseVal.width;
    this.height = this.picture.viewBox.baseVal.height;
    this.group = document.createElementNS(SVG, "g");
    this.group.setAttribute("class", "drawn");
    this.group.setAttribute("tabindex", "0");
    this.group.setAttribute("role", "application");
    this.group.setAttribute("aria-label", this.form.querySelector(".hint").textContent);
    this.area = this.part("area");
    this.grips = Object.fromEntries(Object.keys(CORNERS).map((name) => [name, this.part(`grip ${name}`)]));
    this.picture.append(this.group);
    this.picture.classList.add("drawing");
    this.picture.removeAttribute("aria-hidden");
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.picture.addEventListener("pointerdown", (event) => this.grab(event), { signal });
    this.picture.addEventListener("pointermove", (event) => this.drag(event), { signal });
    for (const name of ["pointerup", "pointercancel"]) this.picture.addEventListener(name, () => { this.held = null; }, { signal });
    this.group.addEventListener("keydown", (event) => this.key(event), { signal });
    if (!this.box()) this.set(this.first());
    this.draw();
    this.picture.scrollIntoView({ block: "nearest" });
    this.group.focus({ preventScroll: true });
  }

  stop() {
    if (!this.picture) return;
    this.listeners.abort();
    this.group.remove();
    this.picture.classList.remove("drawing");
    this.picture.setAttribute("aria-hidden", "true");
    this.picture = null;
  }

  part(name) {
    const part = document.createElementNS(SVG, "rect");
    part.setAttribute("class", name);
    this.group.append(part);
    return part;
  }

  // a small box in the middle, for who has no pointer
  first() {
    const side = FIRST_SHARE * Math.min(this.width, this.height), x = this.width / 2, y = this.height / 2;
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
  }

  box() {
    const box = this.fields.map((field) => (field.value.trim() === "" ? NaN : Number(field.value)));
    return box.every(Number.isFinite) && box[0] < box[2] && box[1] < box[3] ? box : null;
  }

  set(box) {
    this.fields.forEach((field, place) => { field.value = String(Math.round(box[place])); });
    this.draw();
  }

  draw() {
    const box = this.picture && this.box();
    if (!box) return;
    place(this.area, box[0], box[1], box[2] - box[0], box[3] - box[1]);
    const size = 9 / this.picture.getScreenCTM().a;
    for (const [name, [x, y]] of Object.entries(CORNERS)) place(this.grips[name], box[x] - size / 2, box[y] - size / 2, size, size);
  }

  point(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.picture.getScreenCTM().inverse());
    return [clamp(at.x, this.width), clamp(at.y, this.height)];
  }

  grab(event) {
    if (event.button) return;
    event.preventDefault();
    this.picture.setPointerCapture(event.pointerId);
    this.group.focus({ preventScroll: true });
    const [x, y] = this.point(event);
    const corner = Object.keys(CORNERS).find((name) => this.grips[name] === event.target);
    const box = this.box();
    if (corner) {
      const [atX, atY] = CORNERS[corner];
      this.held = { fixed: [box[2 - atX], box[4 - atY]] };
    } else if (event.target === this.area) {
      this.held = { from: [x, y], box };
    } else {
      this.held = { fixed: [x, y] };
    }
  }

  drag(event) {
    if (!this.held) return;
    const [x, y] = this.point(event);
    if (this.held.fixed) {
      const [fx, fy] = this.held.fixed;
      if (Math.abs(x - fx) >= LEAST && Math.abs(y - fy) >= LEAST) this.set([Math.min(x, fx), Math.min(y, fy), Math.max(x, fx), Math.max(y, fy)]);
    } else {
      this.move(this.held.box, x - this.held.from[0], y - this.held.from[1]);
    }
  }

  // the box stays whole: it stops at the border
  move(box, dx, dy) {
    const x = Math.min(Math.max(dx, -box[0]), this.width - box[2]), y = Math.min(Math.max(dy, -box[1]), this.height - box[3]);
    this.set([box[0] + x, box[1] + y, box[2] + x, box[3] + y]);
  }

  grow(box, by) {
    const grown = [clamp(box[0] - by, this.width), clamp(box[1] - by, this.height), clamp(box[2] + by, this.width), clamp(box[3] + by, this.height)];
    if (grown[2] - grown[0] >= LEAST && grown[3] - grown[1] >= LEAST) this.set(grown);
  }

  key(event) {
    const box = this.box(), step = event.shiftKey ? LEAP : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) this.move(box, ...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.grow(box, STEP);
    else if (event.key === "-" || event.key === "_") this.grow(box, -STEP);
    else if (event.key === "Enter") this.form.querySelector("button").focus();
    else return;
    event.preventDefault();
  }
}

function clamp(value, most) {
  return Math.min(Math.max(value, 0), most);
}
function place(rect, x, y, width, height) {
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, value);
}
for (const form of document.querySelectorAll("form.draw")) new Editor(form);
