// Thumbs, stars and a comment under an answer.

import { announce } from "./announce.js";

/** `send(frame)` returns whether the frame went out. */
export class Feedback {
  #send;

  constructor(messages, send) {
    this.#send = send;
    messages.addEventListener("click", (event) => this.#thumb(event.target.closest("[data-thumb]")));
    messages.addEventListener("change", (event) => event.target.closest(".stars") && this.#give(event.target));
    messages.addEventListener("submit", (event) => this.#comment(event));
  }

  /** Opens the comment under an answer, with words to begin with. */
  remark(article, text) {
    const form = article.querySelector(".remark");
    if (!form) return;
    form.hidden = false;
    form.comment.value = text;
    form.comment.focus();
  }

  #thumb(button) {
    if (!button) return;
    const pressed = button.getAttribute("aria-pressed") === "true";
    const both = button.closest(".feedback").querySelectorAll("[data-thumb]");
    for (const one of both) one.setAttribute("aria-pressed", String(one === button && !pressed));
    this.#give(button);
  }

  #give(control) {
    const article = control.closest("article");
    if (!this.#send(this.#frame(article))) return announce("Not saved: there is no connection just now.");
    const remark = article.querySelector(".remark");
    if (remark) remark.hidden = false;
    announce("Thank you, your rating is saved.");
  }

  #comment(event) {
    const form = event.target.closest(".remark");
    if (!form) return;
    event.preventDefault();
    const frame = { ...this.#frame(form.closest("article")), comment: form.comment.value.trim() };
    if (!this.#send(frame)) return announce("Not sent: there is no connection just now.");
    const thanks = document.createElement("p");
    thanks.className = "hint";
    thanks.textContent = "Thank you, your comment is saved.";
    form.replaceWith(thanks);
    announce(thanks.textContent);
  }

  #frame(article) {
    const stars = article.querySelector(".stars :checked");
    const thumb = article.querySelector('[data-thumb][aria-pressed="true"]');
    return {
      type: "feedback.give",
      message: article.dataset.message,
      rating: stars ? Number(stars.value) : null,
      thumb: thumb?.dataset.thumb ?? null,
    };
  }
}
