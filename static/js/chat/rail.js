// The list of conversations: kept up to date, sorted by the reader's own days, and a drawer on a phone.

import { daysAgo, localise } from "../times.js";

const NARROW = matchMedia("(width < 48rem)");

export class Rail {
  #active;

  /** `active()` gives the id of the conversation shown, or null. */
  constructor(active) {
    this.#active = active;
    this.list = document.getElementById("conversations");
    this.rail = document.getElementById("rail");
    document.body.addEventListener("htmx:configRequest", (event) => {
      event.detail.parameters.active = this.#active() ?? "";
    });
    document.body.addEventListener("htmx:afterSettle", (event) => this.#swapped(event));
    this.rail.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("hashchange", () => this.#drawer());
    NARROW.addEventListener("change", () => this.#drawer());
    this.#sort();
    this.#drawer();
  }

  refresh() {
    window.htmx?.trigger(document.body, "conversations-changed");
  }

  #swapped({ target }) {
    if (!this.list.contains(target)) return;
    localise(this.list);
    this.#sort();
    this.#title();
    if (document.activeElement !== document.body) return; // the focus was not on what has gone
    (target.closest(".conv")?.querySelector("input, a") ?? this.rail.querySelector(".rail-tools a")).focus();
  }

  #title() {
    const name = this.list.querySelector(".conv.is-active > a .clip")?.textContent;
    if (!name) return;
    const heading = document.getElementById("title");
    heading.textContent = name;
    heading.className = "clip";
    document.title = `${name} · ${document.getElementById("chat").dataset.title}`;
  }

  /** The server sorts by its own midnight; here it is the reader's. */
  #sort() {
    const [today, earlier] = ["today", "earlier"].map((day) => this.list.querySelector(`ul[data-day="${day}"]`));
    if (!today) return;
    for (const conv of [...today.children, ...earlier.children]) {
      const time = conv.querySelector("time");
      const old = time && daysAgo(time.dateTime) > 0;
      (old ? earlier : today).append(conv);
    }
    for (const list of [today, earlier]) list.previousElementSibling.hidden = !list.children.length;
  }

  #key(event) {
    if (event.key !== "Escape") return;
    const cancel = event.target.dataset.escape;
    if (cancel) {
      event.stopPropagation();
      window.htmx.ajax("GET", cancel, { target: event.target.closest(".conv"), swap: "outerHTML" });
    } else if (this.#open) {
      event.stopPropagation();
      location.hash = "#main";
    }
  }

  get #open() {
    return NARROW.matches && location.hash === "#rail";
  }

  #drawer() {
    const main = document.getElementById("main");
    const was = main.inert;
    main.inert = this.#open;
    if (this.#open) this.rail.querySelector("a, button").focus();
    else if (was) main.querySelector('[href="#rail"]').focus();
  }
}
