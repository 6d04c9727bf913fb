"use strict";
// Copies the new key. The clipboard is only there on HTTPS and localhost; elsewhere the key is selected for the keyboard.
const secret = document.getElementById("secret");
const button = document.getElementById("copy");
function select() {
  getSelection().selectAllChildren(secret);
  return document.execCommand("copy");
}
async function copied() {
  try {
    await navigator.clipboard.writeText(secret.textContent);
    return true;
  } catch {
    return select();
  }
}
button.hidden = false;
button.addEventListener("click", async () => {
  button.textContent = (await copied()) ? button.dataset.copied : button.dataset.selected;
});
