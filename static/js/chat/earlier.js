// Messages before those on the page: they come above, and what is being read stays where it is.

import { announce } from "./announce.js";
import { localise } from "../times.js";

const PLACE = "earlier"; // the id of what stands where they go
const AWAY = "The earlier messages cannot be had just now. Try again in a moment.";

export class Earlier {
  #thread;
  #fromEnd = null; // pixels from the end to what is being read, while new messages come in
  #first = null; // the message that was the first one

  /** `trouble(text)` says what went wrong. */
  constructor(thread, trouble) {
    this.#thread = thread;
    const body = document.body;
    body.addEventListener("htmx:beforeSwap", ({ detail }) => detail.target.id === PLACE && this.#remember());
    body.addEventListener("htmx:afterSwap", () => this.#fromEnd !== null && this.#shown());
    for (const failed of ["htmx:responseError", "htmx:sendError"])
      body.addEventListener(failed, ({ detail }) => detail.target.id === PLACE && trouble(AWAY));
  }

  #remember() {
    const { scroller, messages } = this.#thread;
    this.#fromEnd = scroller.scrollHeight - scroller.scrollTop;
    this.#first = messages.querySelector("article");
  }

  #shown() {
    const { scroller, messages } = this.#thread;
    localise(messages);
    this.#joinDays();
    this.#thread.drawn(messages);
    scroller.scrollTop = scroller.scrollHeight - this.#fromEnd;
    this.#fromEnd = null;
    const count = [...messages.querySelectorAll("article")].indexOf(this.#first);
    announce(count === 1 ? "One earlier message" : `${count} earlier messages`);
    if (document.activeElement !== document.body) return; // the focus was not on what has gone
    (messages.querySelector(`#${PLACE} button`) ?? scroller).focus({ preventScroll: true });
  }

  /** A day that began above has one heading. */
  #joinDays() {
    let above = null;
    for (const day of this.#thread.messages.querySelectorAll(".day:has(> time):not(.event)")) {
      if (above === day.textContent) day.remove();
      above = day.textContent;
    }
  }
}
