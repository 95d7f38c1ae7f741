// A WebSocket that comes back by itself.

const PROTOCOL = "askwell.v1";
const FIRST_WAIT = 400; // milliseconds
const LONGEST_WAIT = 10_000; // milliseconds
const QUIET = 25_000; // milliseconds without a frame after which the line is tried
const QUIET_IN_A_REPLY = 10_000; // the same while something should come: the server itself may be stuck
const ANSWER = 8_000; // milliseconds that a ping may take

export class Socket {
  #address;
  #socket = null;
  #listener;
  #failures = 0;
  #retry = null;
  #pulse = null;
  #hurried = false;

  /** `listener` has frame(object), opened(), away() and refused(code). */
  constructor(path, listener) {
    this.#address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.#listener = listener;
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#now());
    this.#connect();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether a reply is awaited. */
  set hurried(hurried) {
    if (hurried && !this.#hurried && this.open) this.#listen(QUIET_IN_A_REPLY);
    this.#hurried = hurried;
  }

  /** Sends a frame; false when the line is down. */
  send(frame) {
    if (!this.open) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #now() {
    if (this.#retry === null) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #connect() {
    this.#retry = null;
    const socket = new WebSocket(this.#address, [PROTOCOL]);
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#received(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.#socket === socket && this.#closed(event.code));
  }

  #received(frame) {
    this.#listen(this.#hurried ? QUIET_IN_A_REPLY : QUIET);
    if (frame.type === "session.ready") {
      this.#failures = 0;
      this.#listener.opened(frame);
    } else this.#listener.frame(frame);
  }

  /** Tries the line after a silence; a line that then stays silent is given up. */
  #listen(wait) {
    clearTimeout(this.#pulse);
    this.#pulse = setTimeout(() => {
      if (wait === ANSWER || !this.send({ type: "ping" })) this.#socket?.close();
      else this.#listen(ANSWER);
    }, wait);
  }

  #closed(code) {
    clearTimeout(this.#pulse);
    if (this.#listener.refused(code)) return;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures) * (0.7 + 0.6 * Math.random());
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#listener.away();
  }
}
