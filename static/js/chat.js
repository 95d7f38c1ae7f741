// The chat page: what the socket says goes to the thread, what the customer does goes to the socket.

import "./menus.js";
import { Actions } from "./chat/actions.js";
import { announce } from "./chat/announce.js";
import { Composer } from "./chat/composer.js";
import { copyText } from "./chat/copy.js";
import { Earlier } from "./chat/earlier.js";
import { Feedback } from "./chat/feedback.js";
import { clone } from "./chat/fragments.js";
import { Handover } from "./chat/handover.js";
import { Outbox } from "./chat/outbox.js";
import { Panel, numberOf } from "./chat/panel.js";
import { Rail } from "./chat/rail.js";
import { Socket } from "./chat/socket.js";
import { Thread } from "./chat/thread.js";

const AWAY_SHOWN_AFTER = 1_200; // milliseconds: a line that is back sooner is not worth a word
const SENT_AGAIN_AFTER = 3_000; // milliseconds, when the server could not reach its database
const FOREVER = [4403, 4404, 4406]; // close codes after which trying again is no use
const PERSON = "I would like to talk to a person.";

const chat = document.getElementById("chat");
const { slug } = chat.dataset;
let conversation = chat.dataset.conversation || null;
let lastSeq = Number(chat.dataset.after || 0);
let draft = crypto.randomUUID?.() ?? String(Math.random());
let awayTimer = null;

const thread = new Thread(slug);
const outbox = new Outbox(`${slug}:${chat.dataset.person}`);
const panel = new Panel(slug);
const rail = new Rail(() => conversation);
const composer = new Composer({ send: ask, stop });
const feedback = new Feedback(thread.messages, (frame) => socket.send(frame));
const handover = new Handover(thread, () => conversation && `/${slug}/c/${conversation}/handover/`);
const changes = new Actions(slug, `${slug}:${chat.dataset.person}`, thread.messages, (frame) => socket.send(frame));
const socket = new Socket(`/ws/${slug}/chat/?html=1`, { opened, away, refused, frame: received });

thread.drawn = (article) => changes.mend(article);
new Earlier(thread, trouble);
showWaiting();
settle();
chat.dataset.ready = "yes";

// ----- to the server -----

function ask(text) {
  clearTrouble();
  const item = { client_id: newId(), draft, conversation, text };
  outbox.add(item);
  thread.ask(item);
  if (outbox.sendable().includes(item)) send(item);
}

function send({ client_id, conversation: to, text }) {
  socket.send({ type: "message.send", client_id, conversation: to, text });
}

function stop() {
  if (thread.running) socket.send({ type: "run.stop", message: thread.running });
}

function newId() {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`; // plain http has no randomUUID
}

/** Messages that a reload found unsent. */
function showWaiting() {
  for (const item of outbox.items) {
    if (item.conversation !== conversation) continue;
    if (thread.shows(item.client_id)) outbox.remove(item.client_id);
    else {
      if (conversation === null) draft = item.draft;
      thread.ask(item);
    }
  }
}

// ----- from the server -----

function opened() {
  clearTimeout(awayTimer);
  document.getElementById("away").hidden = true;
  thread.mend();
  again();
}

function resume() {
  if (conversation) socket.send({ type: "conversation.resume", conversation, after: lastSeq });
}

function away() {
  clearTimeout(awayTimer);
  awayTimer = setTimeout(() => (document.getElementById("away").hidden = false), AWAY_SHOWN_AFTER);
}

function received(frame) {
  if (frame.type === "error") return refusedFrame(frame);
  if (frame.type === "message.accepted") acknowledged(frame);
  if (frame.conversation && frame.conversation !== conversation) return;
  if (typeof frame.seq === "number" && !inOrder(frame.seq)) return;
  handlers[frame.type]?.(frame);
  settle();
}

function inOrder(seq) {
  if (seq <= lastSeq) return false;
  if (seq > lastSeq + 1) {
    resume(); // something is missing between: it comes again, in order
    return false;
  }
  lastSeq = seq;
  return true;
}

function acknowledged(frame) {
  if (frame.action) changes.acknowledged(frame.action);
  const item = outbox.remove(frame.client_id);
  if (!item) return;
  clearTrouble();
  if (item.conversation === null) outbox.settle(item.draft, frame.conversation);
  if (conversation === null && item.draft === draft) begin(frame.conversation);
  outbox.sendable().filter((other) => other.draft === item.draft).forEach(send);
}

function begin(id) {
  conversation = id;
  lastSeq = 0;
  history.replaceState(null, "", `/${slug}/c/${id}/`);
}

const handlers = {
  "message.accepted": (frame) => {
    thread.accepted(frame.client_id, frame.message, frame.text, !frame.action);
    if (frame.action) changes.accepted(frame.action);
    rail.refresh();
  },
  "run.started": (frame) => thread.started(frame.message, frame.reply_to),
  "run.step": (frame) => {
    thread.step(frame.message, frame.label);
    if (frame.kind === "slow") announce(frame.label);
  },
  "message.delta": (frame) => thread.delta(frame.message, frame.text),
  "message.html": (frame) => thread.html(frame.message, frame.html),
  "message.reset": (frame) => thread.reset(frame.message),
  "message.card": (frame) => thread.card(frame.message, frame.html),
  "action.proposed": (frame) => {
    thread.card(frame.message, frame.html);
    changes.proposed(frame.action);
  },
  "action.done": (frame) => changes.done(frame.action, frame.html),
  "message.done": (frame) => ended(frame, frame.html, frame.finish === "stopped" ? "Stopped" : ""),
  "message.failed": (frame) => ended(frame, "", frame.retryable ? "Failed, try again" : ""),
  "handover.requested": ({ reason }) => handover.changed(reason === "no_progress" ? "" : "A colleague has been told."),
  "handover.taken": ({ name }) => handover.changed(`${name} answers here.`, true),
  "handover.returned": () => handover.changed("The assistant answers again.", true),
  "handover.closed": () => handover.changed("This request was closed.", true),
};

function ended({ message }, html, words) {
  changes.ended(thread.askedBy(message));
  thread.done(message, html, words);
  rail.refresh();
}

function settle() {
  composer.busy = socket.hurried = thread.running !== null;
}

// ----- trouble -----

function refused(code) {
  if (!FOREVER.includes(code)) return false;
  trouble("The chat cannot be reached from this page any more. Load it again; what you wrote is kept.");
  return true;
}

function refusedFrame(frame) {
  if (["ahead", "behind"].includes(frame.code)) return location.reload();
  if (frame.code === "unavailable") setTimeout(again, SENT_AGAIN_AFTER);
  else if (frame.client_id) giveBack(outbox.remove(frame.client_id));
  else if (frame.action) changes.refused(frame.action);
  trouble(frame.detail);
}

/** Puts a refused message back where it was written. */
function giveBack(item) {
  if (!item) return;
  thread.withdraw(item.client_id);
  composer.fill([item.text, composer.box.value].filter(Boolean).join("\n"));
}

function again() {
  if (!socket.open) return; // coming back does the same
  resume();
  outbox.sendable().forEach(send);
  changes.again();
}

function trouble(text) {
  const notice = clone("trouble");
  notice.querySelector("p").textContent = text;
  notice.querySelector("button").addEventListener("click", () => {
    clearTrouble();
    composer.focus();
  });
  document.getElementById("trouble").replaceChildren(notice);
}

function clearTrouble() {
  document.getElementById("trouble").replaceChildren();
}

// ----- what can be clicked -----

const actions = {
  again: (article) => {
    const asked = socket.send({ type: "message.retry", message: article.dataset.message });
    if (!asked) announce("Not possible without a connection. We are trying to get it back.");
  },
  person: () => ask(PERSON),
  reword: (article) => composer.fill(thread.questionBefore(article)),
  edit: (article) => composer.fill(article.querySelector(".bubble").textContent),
  copy: async (article) => {
    const copied = await copyText(article.querySelector(".bubble, .prose"));
    announce(copied ? "Copied" : "Copying is not allowed here: select the text instead");
  },
};

chat.addEventListener("click", (event) => {
  const link = event.target.closest(".thread a.cite, .thread a.source");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    panel.show(link.closest("article").dataset.message, numberOf(link), link);
    return;
  }
  const control = event.target.closest("[data-do], [data-ask]");
  if (!control) return;
  if (control.dataset.ask) ask(control.dataset.ask);
  else if (control.dataset.do === "wrong-source") wrongSource(control);
  else actions[control.dataset.do]?.(control.closest("article"));
});

document.getElementById("person").addEventListener("click", () => ask(PERSON));

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.floats) stop();
});

function wrongSource({ dataset }) {
  panel.close();
  const article = thread.messages.querySelector(`article[data-message="${CSS.escape(dataset.message)}"]`);
  feedback.remark(article, `Source ${dataset.n} does not say this: `);
}
