// Who answers: the card below the messages while people do, and a line between them when that changes.

import { announce } from "./announce.js";
import { fetched } from "./fragments.js";

export class Handover {
  #thread;
  #address;

  /** `address()` is where the card is to be had, null before the conversation has begun. */
  constructor(thread, address) {
    this.#thread = thread;
    this.#address = address;
    document.addEventListener("submit", (event) => event.target.id === "leave-email" && this.#leave(event));
  }

  /** The conversation changed hands; without words where that has been said. */
  changed(words, line = false) {
    if (line) this.#thread.event(words);
    if (words) announce(words);
    this.#show();
  }

  async #show(options) {
    const address = this.#address();
    const fragment = address && (await fetched(address, options));
    const fresh = fragment?.querySelector("#handover");
    if (!fresh) return announce(options ? "That did not reach us. Try again in a moment." : "");
    const focused = document.activeElement?.closest("#handover") !== null;
    document.getElementById("handover").replaceWith(fresh);
    if (focused) fresh.querySelector("input, button")?.focus({ preventScroll: true });
    this.#thread.nudge();
    return fresh;
  }

  async #leave(event) {
    event.preventDefault();
    const body = new FormData(event.target);
    const fresh = await this.#show({ method: "POST", body });
    if (fresh) announce(fresh.innerText);
  }
}
