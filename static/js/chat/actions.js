// Proposed changes: Confirm and Decline, the time that is left, and what became of them.
// A pressed button is kept in the tab's storage until the server has it: neither a lost line nor a reload loses it.

import { announce } from "./announce.js";
import { clone, fetched } from "./fragments.js";

const MINUTE = 60_000; // milliseconds
const BUTTON = /^action\.([0-9a-f-]{36})\./; // the client_id of a message that is a pressed button
const OPEN = ["proposed", "sending"]; // states of a card whose change has not come to its end
const LOOK_EVERY = 5_000; // milliseconds between two looks at the time that is left

export class Actions {
  #slug;
  #send;
  #key;
  #pressed; // the frames of buttons that the server has not acknowledged, by action
  #accepted = new Set(); // actions that are being carried out
  #ended = new Map(); // how actions ended, as the server drew it

  /** `send(frame)` returns whether the frame went out; `owner` tells apart whose buttons these are. */
  constructor(slug, owner, messages, send) {
    this.#slug = slug;
    this.#send = send;
    this.#key = `askwell:pressed:${owner}`;
    this.#pressed = new Map(this.#load());
    this.messages = messages;
    messages.addEventListener("click", (event) => this.#clicked(event.target.closest("[data-decide]")));
    setInterval(() => this.#lookAtTime(), LOOK_EVERY);
    this.mend(messages);
  }

  /** The line is back: buttons that may not have reached the server are sent again; it takes each once. */
  again() {
    for (const frame of this.#pressed.values()) this.#send(frame);
  }

  /** A proposal came: the same change proposed again moves to the newest reply. */
  proposed(id) {
    this.#accepted.delete(id);
    this.mend(this.messages);
  }

  /** The server has a pressed button of this tab. */
  acknowledged(id) {
    this.#forget(id);
  }

  /** A button of this conversation was pressed, here or in another window. */
  accepted(id) {
    this.#accepted.add(id);
    for (const card of this.#cards(id)) this.#showSending(card);
  }

  /** A change has come to its end. */
  done(id, html) {
    this.#forget(id);
    this.#accepted.delete(id);
    this.#ended.set(id, html);
    for (const card of this.#cards(id)) this.#showEnd(card);
    const [card] = this.#cards(id);
    if (card) announce(card.innerText);
  }

  /** The reply to a message has ended: a button that it leaves unanswered can be pressed again. */
  ended(clientId) {
    const id = BUTTON.exec(clientId)?.[1];
    this.#accepted.delete(id);
    if (id) this.#ask(id, (card) => card.dataset.state === "sending");
  }

  /** The server did not take a pressed button. */
  refused(id) {
    this.#forget(id);
    this.#ask(id, () => true);
  }

  /** Brings a part of the page up to date that the server drew, maybe before the latest news; each change stands once. */
  mend(part) {
    for (const card of part.querySelectorAll("[data-action]")) {
      const { action: id, state } = card.dataset;
      if (card !== this.#cards(id).at(-1)) card.remove();
      else if (this.#ended.has(id) && OPEN.includes(state)) this.#showEnd(card);
      else if (this.#pressed.has(id) && !OPEN.includes(state)) this.#forget(id);
      else if ((this.#pressed.has(id) || this.#accepted.has(id)) && state === "proposed") this.#showSending(card);
    }
  }

  #clicked(button) {
    if (!button) return;
    const card = button.closest("[data-action]");
    const id = card.dataset.action;
    if (this.#pressed.has(id)) return;
    const frame = { type: `action.${button.dataset.decide}`, action: id };
    this.#pressed.set(id, frame);
    this.#save();
    this.#showSending(card, true);
    announce(this.#send(frame) ? this.#cards(id)[0].innerText : "There is no connection just now. It is sent once we are back.");
  }

  #showSending(card, focus = false) {
    if (card.dataset.state === "sending") return;
    const sending = clone("sending").firstElementChild;
    sending.dataset.action = card.dataset.action;
    this.#replace(card, sending, focus);
  }

  #showEnd(card) {
    const holder = document.createElement("template");
    holder.innerHTML = this.#ended.get(card.dataset.action);
    this.#replace(card, holder.content.firstElementChild);
  }

  #replace(card, fresh, focus = card.contains(document.activeElement)) {
    card.replaceWith(fresh);
    if (focus) fresh.focus({ preventScroll: true });
  }

  /** Asks how a change stands now, for its cards of which that is wanted. */
  async #ask(id, wanted) {
    if (!this.#cards(id).some(wanted)) return;
    const fragment = await fetched(`/${this.#slug}/actions/${id}/`);
    const fresh = fragment?.firstElementChild;
    if (fresh) for (const card of this.#cards(id).filter(wanted)) this.#replace(card, fresh.cloneNode(true));
  }

  #lookAtTime() {
    for (const line of this.messages.querySelectorAll("[data-until]")) {
      const left = new Date(line.dataset.until) - Date.now();
      const minutes = Math.max(1, Math.round(left / MINUTE));
      if (left > 0) line.textContent = minutes === 1 ? line.dataset.leftOne : line.dataset.left.replace("{count}", minutes);
      else this.#ask(line.closest("[data-action]").dataset.action, (card) => card.dataset.state === "proposed");
    }
  }

  #cards(id) {
    return [...this.messages.querySelectorAll(`[data-action="${CSS.escape(id)}"]`)];
  }

  #forget(id) {
    if (this.#pressed.delete(id)) this.#save();
  }

  #load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key)) ?? [];
    } catch {
      return [];
    }
  }

  #save() {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify([...this.#pressed]));
    } catch {
      // without storage they live as long as the page
    }
  }
}
