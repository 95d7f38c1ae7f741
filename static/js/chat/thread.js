// The messages on the page: questions, replies as they arrive, and following the newest line.

import { announce, expectReply, replyCame } from "./announce.js";
import { clone, fetched } from "./fragments.js";
import { Reply } from "./reply.js";
import { localise } from "../times.js";

const NEAR = 80; // pixels from the end within which the newest line is followed

export class Thread {
  #slug;
  #replies = new Map();
  #following = true;

  constructor(slug) {
    this.#slug = slug;
    this.messages = document.getElementById("messages");
    this.scroller = document.getElementById("scroll");
    this.newAnswer = document.getElementById("follow");
    this.drawn = () => {}; // told of articles that the server has drawn anew
    for (const article of this.messages.querySelectorAll("article[aria-busy]"))
      this.#replies.set(article.dataset.message, new Reply(article));
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.newAnswer.addEventListener("click", () => this.toEnd());
    localise(document);
    this.toEnd();
  }

  /** The reply that runs now, the first of those that are to come; null when none is. */
  get running() {
    return this.#replies.keys().next().value ?? null;
  }

  // ----- questions -----

  /** Shows a question at once, before anybody has acknowledged it. */
  ask(item) {
    this.#reveal();
    const article = this.#questionOf(item.client_id) ?? this.#newQuestion(item.client_id);
    article.querySelector(".bubble").textContent = item.text;
    article.querySelector(".bubble").classList.add("is-waiting");
    this.toEnd();
  }

  withdraw(clientId) {
    this.#questionOf(clientId)?.remove();
  }

  /** A question has been kept by the server: one of this tab's, or of another. What was pressed is no text to edit. */
  accepted(clientId, id, text, editable = true) {
    if (this.#article(id)) return;
    this.#reveal();
    const article = this.#questionOf(clientId) ?? this.#newQuestion(clientId);
    article.dataset.message = id;
    const bubble = article.querySelector(".bubble");
    bubble.textContent = text;
    bubble.classList.remove("is-waiting");
    if (!editable) article.querySelector('[data-do="edit"]')?.remove();
    this.#follow();
  }

  questionBefore(article) {
    let other = article?.previousElementSibling;
    while (other && !other.matches(".msg-you")) other = other.previousElementSibling;
    return other?.querySelector(".bubble").textContent ?? "";
  }

  shows(clientId) {
    return Boolean(this.#questionOf(clientId)?.dataset.message);
  }

  // ----- replies -----

  started(id, question) {
    const shown = this.#article(id);
    if (shown && "finished" in shown.dataset) return;
    this.#supersede(question);
    const reply = this.#replies.get(id) ?? this.#newReply(id, question);
    reply.begin();
    expectReply();
    this.#follow();
  }

  step(id, label) {
    this.#replies.get(id ?? this.running)?.step(label);
    this.#follow();
  }

  delta(id, text) {
    this.#replies.get(id)?.delta(text);
    this.#follow();
  }

  html(id, html) {
    this.#replies.get(id)?.html(html);
    this.#follow();
  }

  /** A card of a tool, or a proposed change: the server's own HTML. */
  card(id, html) {
    this.#replies.get(id)?.card(html);
    this.#follow();
  }

  reset(id) {
    this.#replies.get(id)?.reset();
  }

  /** The client_id of the message that a reply answers. */
  askedBy(id) {
    return this.#article(this.#article(id)?.dataset.replyTo ?? "")?.dataset.client ?? "";
  }

  /** The reply has come to its end; the server's own rendering of it brings sources and buttons. */
  async done(id, html, words) {
    const reply = this.#replies.get(id);
    if (!reply) return;
    this.#replies.delete(id);
    replyCame();
    reply.finish(html);
    announce(words || reply.words);
    this.#follow();
    await this.#replace(reply.article, id);
  }

  /** Fetches the ends of replies that could not be had when they came. */
  mend() {
    const bare = ".msg[data-message]:not(.msg-you, [data-finished], [aria-busy])";
    for (const article of this.messages.querySelectorAll(bare)) this.#replace(article, article.dataset.message);
  }

  /** Something about who answers, between the messages. */
  event(text) {
    const line = clone("event");
    line.querySelector("span").textContent = text;
    this.messages.append(line);
    this.#follow();
  }

  // ----- the newest line -----

  /** What stands below the messages has changed. */
  nudge() {
    this.#follow();
  }

  toEnd() {
    this.#following = true;
    this.newAnswer.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #follow() {
    if (this.#following) this.toEnd();
    else this.newAnswer.hidden = false;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.#following = scrollHeight - scrollTop - clientHeight <= NEAR;
    if (this.#following) this.newAnswer.hidden = true;
  }

  // ----- pieces -----

  #article(id) {
    return this.messages.querySelector(`article[data-message="${CSS.escape(id)}"]`);
  }

  #questionOf(clientId) {
    return clientId ? this.messages.querySelector(`article[data-client="${CSS.escape(clientId)}"]`) : null;
  }

  #newQuestion(clientId) {
    const article = clone("question").firstElementChild;
    article.dataset.client = clientId;
    return this.#append(article, ".msg");
  }

  #newReply(id, question) {
    const article = clone("running").firstElementChild;
    article.dataset.message = id;
    article.dataset.replyTo = question;
    const time = document.createElement("time");
    time.dateTime = new Date().toISOString();
    time.dataset.shape = "clock";
    article.querySelector(".msg-who .num").append(time);
    localise(article);
    const asked = CSS.escape(question);
    this.#append(article, `[data-message="${asked}"], [data-reply-to="${asked}"]`);
    const reply = new Reply(article);
    this.#replies.set(id, reply);
    return reply;
  }

  /** Puts an article behind the last one that fits, or at the end. */
  #append(article, behind) {
    const last = [...this.messages.querySelectorAll(behind)].at(-1);
    if (last) last.after(article);
    else this.messages.append(article);
    return article;
  }

  async #replace(article, id) {
    const fragment = await fetched(`/${this.#slug}/messages/${id}/`);
    const fresh = fragment?.querySelector("article");
    if (!fresh || !article.isConnected) return;
    localise(fragment);
    const focused = article.contains(document.activeElement) ? document.activeElement : null;
    article.replaceWith(fresh);
    if (focused) this.#focusAgain(fresh, focused);
    this.drawn(fresh);
    this.#follow();
  }

  /** Puts the focus where it was: on the same button of the same card, else on the first thing there is. */
  #focusAgain(fresh, { dataset, parentElement }) {
    const action = dataset.action ?? parentElement?.closest("[data-action]")?.dataset.action;
    const card = action && fresh.querySelector(`[data-action="${CSS.escape(action)}"]`);
    const button = card && dataset.decide && card.querySelector(`[data-decide="${CSS.escape(dataset.decide)}"]`);
    (button || card || fresh.querySelector("button, a"))?.focus({ preventScroll: true });
  }

  /** A reply that came to nothing makes room for the next one to the same question. */
  #supersede(question) {
    if (!question) return;
    const same = this.messages.querySelectorAll(`article[data-reply-to="${CSS.escape(question)}"][data-finished]`);
    for (const article of same) if (article.dataset.state !== "done") article.remove();
  }

  /** The first message turns the greeting into a conversation. */
  #reveal() {
    document.getElementById("hello")?.remove();
    document.getElementById("column").hidden = false;
    if (this.messages.querySelector(".day")) return;
    const day = clone("day");
    day.querySelector("time").dateTime = new Date().toISOString();
    localise(day);
    this.messages.append(day);
  }
}
