// What was written and not yet acknowledged: kept in the tab's storage, so that a reload loses nothing.
// An item is {client_id, draft, conversation, text}; `draft` tells messages of a conversation that has no id yet apart.

export class Outbox {
  #key;
  #items;

  /** `owner` tells apart whose messages these are, where several people use one browser. */
  constructor(owner) {
    this.#key = `askwell:outbox:${owner}`;
    this.#items = this.#load();
  }

  get items() {
    return [...this.#items];
  }

  add(item) {
    this.#items.push(item);
    this.#save();
  }

  has(clientId) {
    return this.#items.some((item) => item.client_id === clientId);
  }

  remove(clientId) {
    const item = this.#items.find((other) => other.client_id === clientId);
    if (!item) return null;
    this.#items = this.#items.filter((other) => other !== item);
    this.#save();
    return item;
  }

  /** A draft's first message was accepted: the others of that draft belong to its conversation. */
  settle(draft, conversation) {
    for (const item of this.#items) if (item.conversation === null && item.draft === draft) item.conversation = conversation;
    this.#save();
  }

  /** Those that may be sent now: of a draft without a conversation, only the first. */
  sendable() {
    const drafts = new Set();
    return this.#items.filter((item) => {
      if (item.conversation !== null) return true;
      if (drafts.has(item.draft)) return false;
      return drafts.add(item.draft);
    });
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
      sessionStorage.setItem(this.#key, JSON.stringify(this.#items));
    } catch {
      // without storage they live as long as the page
    }
  }
}
