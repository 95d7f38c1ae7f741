// The message box: grows with its text, Enter sends, and Stop takes Send's place while a reply runs. A text that is
// longer than a message may be stays in the box whole, with a sentence that says so, and is not sent.

export class Composer {
  /** `on` has send(text) and stop(). */
  constructor(on) {
    this.form = document.getElementById("composer");
    this.box = document.getElementById("ask");
    this.sendButton = document.getElementById("send");
    this.stopButton = document.getElementById("stop");
    this.tooLong = document.getElementById("too-long");
    this.limit = Number(this.box.dataset.limit);
    this.on = on;
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("input", () => this.#changed());
    this.stopButton.addEventListener("click", () => on.stop());
    if (this.box.value) this.fill(this.box.value);
    this.#changed();
  }

  fill(text) {
    this.box.value = text;
    this.#changed();
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }

  focus() {
    this.box.focus();
  }

  /** Whether a reply runs. */
  set busy(busy) {
    const hadFocus = [this.sendButton, this.stopButton].includes(document.activeElement);
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (hadFocus) this.box.focus();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    if (!text || this.#excess(text)) return;
    this.box.value = "";
    this.#changed();
    this.on.send(text);
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  /** The characters of a text that is too long, as the server counts them; 0 for one that is not. */
  #excess(text) {
    const count = text.length > this.limit ? [...text].length : 0;
    return count > this.limit ? count : 0;
  }

  #changed() {
    const text = this.box.value.trim();
    const excess = this.#excess(text);
    this.sendButton.disabled = !text || excess > 0;
    this.tooLong.hidden = !excess;
    this.tooLong.textContent = excess
      ? `A message holds up to ${this.limit.toLocaleString("en")} characters; this one has ${excess.toLocaleString("en")}. Shorten it, or send the part that matters.`
      : "";
    if (excess) this.box.setAttribute("aria-invalid", "true");
    else this.box.removeAttribute("aria-invalid");
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }
}
