// Fragments of the page: cloned from its <template> elements, or asked of the server.

/** The content of <template id="name-template">. */
export function clone(name) {
  return document.getElementById(`${name}-template`).content.cloneNode(true);
}

/** A fragment of HTML from the server; null when there is none to be had now. */
export async function fetched(address, options = {}) {
  try {
    const response = await fetch(address, { ...options, headers: { "HX-Request": "true" } });
    if (!response.ok) return null;
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    return holder.content;
  } catch {
    return null; // the line is down: what is shown stays
  }
}
