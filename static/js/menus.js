// Menus made of <details>: one open at a time, closed by Escape and by a click elsewhere.

const OPEN = "details.menu[open]";

function close(menu) {
  menu.open = false;
  for (const inner of menu.querySelectorAll("details[open]")) inner.open = false;
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(OPEN)) if (!menu.contains(event.target)) close(menu);
});

document.addEventListener("focusin", (event) => {
  for (const menu of document.querySelectorAll(OPEN)) if (!menu.contains(event.target)) close(menu);
});

document.addEventListener(
  "keydown",
  (event) => {
    const menu = event.key === "Escape" && event.target.closest(OPEN);
    if (!menu) return;
    event.stopPropagation(); // this Escape was for the menu
    close(menu);
    menu.querySelector("summary").focus();
  },
  true,
);
