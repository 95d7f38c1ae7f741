// The message box: grows with its text, Enter sends, and Stop takes Send's place while a reply runs.

export class Composer {
  /** `on` has send(text) and stop(). */
  constructor(on) {
    this.form = document.getElementById("composer");
    this.box = document.getElementById("ask");
    this.sendButton = document.getElementById("send");
    this.stopButton = document.getElementById("stop");
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
    if (!text) return;
    this.box.value = "";
    this.#changed();
    this.on.send(text);
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #changed() {
    this.sendButton.disabled = !this.box.value.trim();
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }
}
