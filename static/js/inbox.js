// The inbox: lists and threads that keep themselves up to date, and what an agent writes.

import "./menus.js";
import { localise } from "./times.js";

const NEAR = 120; // pixels from the end within which the newest message is followed
const status = document.getElementById("status");
const desk = document.getElementById("desk");
let atEnd = true;
let fromEnd = null; // pixels from the end to what is being read, while earlier messages come in

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const timed = event.detail.requestConfig.triggeringEvent === undefined && event.detail.requestConfig.verb === "get";
  if (timed && document.hidden) event.preventDefault(); // nobody looks: neither ask, nor be counted as there
});

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "earlier") fromEnd = desk.scrollHeight - desk.scrollTop;
  atEnd = desk.scrollHeight - desk.scrollTop - desk.clientHeight <= NEAR;
});

document.body.addEventListener("htmx:afterSwap", () => {
  if (fromEnd === null) return;
  desk.scrollTop = desk.scrollHeight - fromEnd; // what is being read stays where it is
  fromEnd = null;
  status.textContent = "Earlier messages are shown.";
  if (document.activeElement !== document.body) return; // the focus was not on what has gone
  (document.querySelector("#earlier button") ?? desk).focus({ preventScroll: true });
});

document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  localise(document);
  if (detail.target.id === "desk") opened();
  else if (detail.target.id === "thread" && atEnd) toEnd();
});

document.body.addEventListener("htmx:responseError", failed);
document.body.addEventListener("htmx:sendError", failed);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (!event.target.matches("[data-enter-sends]")) return;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
});

function opened() {
  const detail = document.getElementById("detail");
  document.getElementById("inbox").classList.toggle("has-detail", detail !== null);
  if (!detail) return;
  document.title = detail.dataset.title;
  for (const line of document.querySelectorAll("#inbox-list [data-conversation]")) {
    if (line.dataset.conversation === detail.dataset.conversation) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }
  const trouble = document.getElementById("desk-trouble");
  status.textContent = trouble?.innerText ?? "";
  if ("wrote" in detail.dataset) htmx.trigger(document.body, "inbox-changed");
  const box = document.getElementById("answer-text");
  const wrote = detail.dataset.wrote;
  if (box && (wrote === "take" || wrote === "message")) box.focus({ preventScroll: true });
  else if (wrote === "note") document.getElementById("note-text").focus({ preventScroll: true });
  else desk.focus({ preventScroll: true });
  toEnd();
  trouble?.scrollIntoView({ block: "nearest" });
}

function toEnd() {
  desk.scrollTop = desk.scrollHeight;
}

function failed() {
  status.textContent = "That did not reach the server. What you wrote is still here: try again in a moment.";
}

localise(document);
toEnd();
