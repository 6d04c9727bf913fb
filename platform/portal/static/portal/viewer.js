"use strict";
// Links the list of findings and the marks on the pictures, and sets brightness and contrast of the view.
const marks = [...document.querySelectorAll(".mark")];
const items = [...document.querySelectorAll(".findings [data-finding]")];
function point(number, on) {
  [...marks, ...items].filter((one) => one.dataset.finding === number).forEach((one) => one.classList.toggle("on", on));
}
for (const one of [...marks, ...items]) {
  for (const [name, on] of [["mouseenter", true], ["mouseleave", false], ["focus", true], ["blur", false]]) {
    one.addEventListener(name, () => point(one.dataset.finding, on));
  }
}
const brightness = document.getElementById("brightness");
const contrast = document.getElementById("contrast");
function window_() {
  for (const picture of document.querySelectorAll(".frame img")) {
    picture.style.filter = `brightness(${brightness.value}%) contrast(${contrast.value}%)`;
  }
}
if (brightness) {
  brightness.addEventListener("input", window_);
  contrast.addEventListener("input", window_);
  document.getElementById("marks").addEventListener("change", (event) => {
    document.querySelector(".viewer").classList.toggle("plain", !event.target.checked);
  });
}
