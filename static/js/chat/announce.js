// The one voice of the page: each text is said once, politely.

const status = document.getElementById("status");
const WORKING_AFTER = 2_000; // milliseconds of silence before “Working on it”
let working = null;

/** Has a screen reader say this text. */
export function announce(text) {
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = text));
}

/** A reply has begun: says so if nothing comes for a while. */
export function expectReply() {
  clearTimeout(working);
  working = setTimeout(() => announce("Working on it"), WORKING_AFTER);
}

/** The reply came, or will not: nothing needs saying about waiting. */
export function replyCame() {
  clearTimeout(working);
}
