// The shop's pages: times in the reader's zone, forms that are sent once, and a word when the server cannot be reached.

import "./menus.js";
import { localise } from "./times.js";

document.body.addEventListener("htmx:afterSettle", () => {
  localise(document);
  document.getElementById("status").textContent = document.querySelector("#found [role=status]")?.textContent ?? "";
});

document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "filters") return;
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
