// Copying text, also where the page came over plain http and the clipboard's own interface is missing.

/** Copies an element's text without its citation numbers; false when the browser does not allow it. */
export async function copyText(element) {
  const text = textOf(element);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function textOf(element) {
  const cites = [...element.querySelectorAll("a.cite")];
  for (const cite of cites) cite.hidden = true;
  const text = element.innerText.trim();
  for (const cite of cites) cite.hidden = false;
  return text;
}

function copyBySelection(text) {
  const before = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "sr";
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  before?.focus();
  return copied;
}
