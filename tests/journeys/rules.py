"""What holds on every page in all widths and both themes: axe (WCAG 2.2 A, AA), no sideways scroll, big targets."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
WIDTHS = [(320, 640), (390, 844), (768, 1024), (1024, 768), (1440, 900)]
AXE_WIDTHS = (390, 1440)
PHONE = 768  # below it fingers are likely
TARGET = 43.5  # CSS pixels

SIDEWAYS = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter(
    (e) => e.getBoundingClientRect().right > root.clientWidth + 1 && getComputedStyle(e).position !== "fixed"
      && !e.closest(".table-wrap, .suggest, .tabs, .rail, .panel, pre"));
  return [`scrolls to ${root.scrollWidth}`, ...wide.slice(0, 4).map((e) => `${e.tagName}.${e.className}`)];
}"""
HIDDEN_BELOW = "document.documentElement.scrollHeight - document.documentElement.clientHeight"
SMALL = """(least) => {
  const small = [];
  for (const e of document.querySelectorAll("a, button, input, select, textarea, summary, label:has(input)")) {
    const box = e.getBoundingClientRect();
    const shown = box.width && getComputedStyle(e).visibility !== "hidden";
    const inText = e.closest(".prose, .sr, .skip, .solo-box p, .hit-title") || e.matches(".cite, .scrim, .small a");
    const after = getComputedStyle(e, "::after"); // a link may be larger than its words
    const width = Math.max(box.width, parseFloat(after.width) || 0);
    const height = Math.max(box.height, parseFloat(after.height) || 0);
    if (!shown || inText || Math.min(width, height) >= least) continue;
    small.push(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}`);
  }
  return small;
}"""
INLINE = """() => [...document.querySelectorAll("[style], style, [onclick], script:not([src])")].map(
  (e) => e.outerHTML.slice(0, 80))"""


def problems(page: Page, width: int) -> list[str]:
    found = page.evaluate(SIDEWAYS) + page.evaluate(INLINE)
    if width < PHONE:
        found += [f"small: {target}" for target in page.evaluate(SMALL, TARGET)]
    if width in AXE_WIDTHS:
        result = Axe().run(page, options={"runOnly": RULES})
        found += [
            f"axe {v['id']}: {v['nodes'][0]['html'][:120]} {v['nodes'][0].get('failureSummary', '')[:200]}"
            for v in result.response["violations"]
        ]
    return found


def check(page: Page, address: str, ready: str) -> list[str]:
    """What is wrong with a page, in every width and theme."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            page.locator(ready).first.wait_for()
            found += [f"{width} {theme}: {problem}" for problem in problems(page, width)]
    return found
