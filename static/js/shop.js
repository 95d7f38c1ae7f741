// The shop's pages: times in the reader's zone, forms that are sent once, and a word when the server cannot be reached.

import "./menus.js";
import { localise } from "./times.js";

document.body.addEventListener("htmx:afterSettle", () => {
  localise(document);
  document.getElementById("status").textContent = document.querySelector("#found [role=status]")?.textContent ?? "";
});

// A filter that is set while an answer is under way stands in no answer yet: what the server draws must not undo it.
const unanswered = new Map();

document.addEventListener("change", ({ target }) => {
  if (target.matches("#facets input")) unanswered.set(`${target.name}=${target.value}`, target.checked);
}, true);

document.body.addEventListener("htmx:oobAfterSwap", () => {
  for (const box of document.querySelectorAll("#facets input")) {
    box.checked = unanswered.get(`${box.name}=${box.value}`) ?? box.checked;
  }
});

document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "filters") return;
  unanswered.clear();
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name); // a short address
});

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.body.addEventListener(name, () => {
    const text = "That did not reach the server. What you chose is still here: try again in a moment.";
    document.getElementById("status").textContent = text;
    const found = document.getElementById("found");
    if (!found || found.querySelector(".notice-bad")) return;
    const notice = document.createElement("p");
    notice.className = "notice notice-bad";
    notice.textContent = text;
    found.prepend(notice);
  });
}

document.addEventListener("submit", (event) => {
  const button = event.target.matches("form[data-once]") && event.target.querySelector("button[type=submit]");
  if (!button) return;
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  button.setAttribute("aria-busy", "true");
});

window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] [aria-busy]")) button.removeAttribute("aria-busy");
});

document.querySelector("form[data-once] [aria-invalid=true]")?.focus();
localise(document);
