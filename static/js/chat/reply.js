// One reply while it arrives: its steps, then its text with a caret at the end.

import { clone } from "./fragments.js";

const LAST_BLOCK = "p, li, td, th, h3, h4, h5, h6, pre, blockquote";
const MARKERS = /\s?\[\d{0,3}\]?/g; // numbers of sources, which become chips when the reply is finished

export class Reply {
  #tail = ""; // what came after the last rendering
  #rendered = false;

  constructor(article) {
    this.article = article;
    this.prose = article.querySelector(".prose");
    this.cards = article.querySelector(".attached");
  }

  /** What a screen reader is told at the end: the text, and which changes wait for a word. */
  get words() {
    const titles = [...this.article.querySelectorAll(".action h3")].map((title) => title.textContent);
    return [this.prose.innerText, ...titles].filter(Boolean).join(" ");
  }

  /** Begins anew: a resumed stream tells everything from its start. */
  begin() {
    this.cards?.replaceChildren();
    this.reset();
  }

  /** The text so far is void; cards belong to tools that did run, and stay. */
  reset() {
    this.#tail = "";
    this.#rendered = false;
    this.prose.replaceChildren();
  }

  step(label) {
    const steps = this.article.querySelector(".steps") ?? this.#newSteps();
    if (!steps.dataset.begun) steps.replaceChildren();
    steps.dataset.begun = "yes";
    this.#settleSteps();
    if ([...steps.children].some((step) => step.textContent.trim() === label)) return;
    const step = clone("step");
    step.querySelector("li > span:last-child").textContent = label;
    steps.append(step);
  }

  delta(text) {
    this.#tail += text;
    this.#firstWords();
    if (!this.#rendered) this.prose.replaceChildren(document.createElement("p"));
    this.prose.querySelector(".tail")?.remove();
    this.#end();
  }

  /** The server's safe HTML of the text so far. */
  html(html) {
    this.#rendered = true;
    this.#firstWords();
    this.#tail = "";
    this.prose.innerHTML = html;
    this.#end();
  }

  card(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    this.cards?.append(holder.content);
  }

  finish(html) {
    this.article.querySelector(".steps")?.remove();
    this.#firstWords();
    if (html) this.prose.innerHTML = html;
    this.prose.querySelector(".caret")?.remove();
    this.article.removeAttribute("aria-busy");
  }

  #firstWords() {
    for (const line of this.article.querySelectorAll(".skeleton")) line.remove();
    const steps = this.article.querySelector(".steps");
    if (steps && !steps.dataset.begun) steps.remove();
    this.#settleSteps();
  }

  /** What is done once the text has begun stands below it. */
  #newSteps() {
    const steps = document.createElement("ol");
    steps.className = "steps";
    this.prose.after(steps);
    return steps;
  }

  #settleSteps() {
    for (const step of this.article.querySelectorAll(".steps .is-now")) {
      step.classList.remove("is-now");
      step.querySelector(".spinner")?.replaceWith(clone("step-done"));
    }
  }

  /** Plain text that is not rendered yet, and the caret, behind the last word. */
  #end() {
    this.prose.querySelector(".caret")?.remove();
    const blocks = this.prose.querySelectorAll(LAST_BLOCK);
    const tail = document.createElement("span");
    tail.className = "tail";
    tail.textContent = this.#tail.replace(MARKERS, "");
    (blocks[blocks.length - 1] ?? this.prose).append(tail, clone("caret"));
  }
}
