// The panel beside the thread that shows a source; a drawer over it where there is no room beside.

import { announce } from "./announce.js";
import { clone, fetched } from "./fragments.js";

const FLOATING = matchMedia("(width < 80rem)");

export class Panel {
  #slug;
  #opener = null;
  #message = null;
  #asked = 0;

  constructor(slug) {
    this.#slug = slug;
    this.chat = document.getElementById("chat");
    this.panel = document.getElementById("source");
    this.panel.addEventListener("click", (event) => this.#clicked(event));
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape(event));
    document.querySelector(".scrim").addEventListener("click", (event) => this.#scrim(event));
    FLOATING.addEventListener("change", () => this.#settle());
  }

  get open() {
    return this.chat.classList.contains("has-panel");
  }

  get floats() {
    return this.open && FLOATING.matches;
  }

  async show(message, n, opener = this.#opener) {
    this.#opener = opener;
    this.#message = message;
    this.#asked += 1;
    const asked = this.#asked;
    this.panel.replaceChildren(clone("skeleton"));
    this.chat.classList.add("has-panel");
    this.#settle();
    this.#point(n);
    this.#title().focus();
    const source = await fetched(`/${this.#slug}/messages/${message}/sources/${n}/`);
    if (asked !== this.#asked) return;
    if (!source) return this.#failed();
    this.panel.replaceChildren(source);
    this.#title().focus();
    this.panel.querySelector("mark")?.scrollIntoView({ block: "center" });
  }

  close() {
    if (!this.open) return;
    this.#asked += 1;
    this.chat.classList.remove("has-panel");
    this.#settle();
    this.#point(null);
    const back = this.#opener?.isConnected ? this.#opener : document.getElementById("ask");
    back.focus();
  }

  #failed() {
    const text = "The source could not be loaded. Check your connection, close this, and try again.";
    const line = document.createElement("p");
    line.textContent = text;
    this.panel.querySelector(".panel-scroll").replaceChildren(line);
    announce(text);
  }

  #clicked(event) {
    const step = event.target.closest("a[data-step]");
    if (step) {
      event.preventDefault();
      if (step.dataset.n) this.show(this.#message, step.dataset.n);
    } else if (event.target.closest('[data-do="close-source"]')) this.close();
  }

  #escape(event) {
    event.stopPropagation();
    this.close();
  }

  #scrim(event) {
    if (!this.open) return; // it belongs to the list of conversations, then
    event.preventDefault();
    this.close();
  }

  #title() {
    return this.panel.querySelector("#source-title");
  }

  /** What lies under a drawer cannot be reached. */
  #settle() {
    document.getElementById("main").inert = this.floats;
    document.getElementById("rail").inert = this.floats;
  }

  #point(n) {
    for (const one of document.querySelectorAll(".thread [aria-current]")) one.removeAttribute("aria-current");
    if (n === null) return;
    const article = document.querySelector(`.thread article[data-message="${CSS.escape(this.#message)}"]`);
    for (const one of article?.querySelectorAll("a.cite, a.source") ?? [])
      if (numberOf(one) === String(n)) one.setAttribute("aria-current", "true");
  }
}

/** Which source of its answer a chip or a citation stands for. */
export function numberOf(link) {
  return link.dataset.n ?? link.querySelector(".cite")?.textContent.trim() ?? link.textContent.trim();
}
