// Runs before the first paint: a remembered choice of light or dark never flashes, nor what is meant for pages without scripts.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function remembered() {
    try {
      return localStorage.getItem("askwell-theme");
    } catch {
      return null; // storage is switched off: the system's choice holds
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem("askwell-theme", theme);
    } catch {
      // it holds until the page is left
    }
  }

  root.classList.add("scripted");
  const theme = remembered();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
  });
})();
