// The review pages: times in the reader's zone, and focus and scroll that survive the queue being replaced.

import "./menus.js";
import { localise } from "./times.js";

let scrolled = 0;

document.body.addEventListener("htmx:beforeSwap", () => {
  scrolled = document.querySelector(".queue-scroll")?.scrollTop ?? 0;
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  const review = document.getElementById("review");
  if (!review || event.detail.target?.id !== "review") return;
  localise(review);
  document.title = review.dataset.title;
  document.querySelector(".queue-scroll").scrollTop = scrolled;
  if (event.detail.elt?.id === "filters" || document.activeElement?.closest("#filters")) return;
  const wrong = document.getElementById("verdict-error");
  (wrong ?? document.getElementById("reply")).scrollIntoView({ block: "nearest" });
  document.getElementById("reply").focus({ preventScroll: true });
  if ("saved" in review.dataset) document.getElementById("status").textContent = review.dataset.saved;
});

document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "filters") return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name); // a short address
});

document.body.addEventListener("htmx:responseError", () => failed());
document.body.addEventListener("htmx:sendError", () => failed());

function failed() {
  const text = "That did not reach the server. What you wrote is still here: try again in a moment.";
  document.getElementById("status").textContent = text;
  const form = document.querySelector(".judge");
  if (!form || form.querySelector(".notice-bad")) return;
  const notice = document.createElement("p");
  notice.className = "notice notice-bad";
  notice.textContent = text;
  form.prepend(notice);
}

localise(document);
