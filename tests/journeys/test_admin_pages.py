"""Every page of the admin: axe (WCAG 2.2 A and AA), sideways scroll, both themes, names of icons, keyboard alone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
WIDTHS = (320, 390, 768, 1024, 1280, 1440)
AXE_WIDTHS = (390, 1440)
LIST = "/admin/knowledge/document/"

SIDEWAYS = """() => {
  const root = document.documentElement;
  return root.scrollWidth > root.clientWidth ? [`scrolls to ${root.scrollWidth}`] : [];
}"""
# The icon font writes pictures as words, which nobody should hear; what only a mouse can use is lost to keyboards.
UNHEARD = """() => [
  ...[...document.querySelectorAll(".material-symbols-outlined")].filter(
    (e) => e.checkVisibility() && !e.closest("[aria-hidden=true]") && !e.closest("[aria-label]")),
  ...[...document.querySelectorAll("[x-on\\\\:click]:not(button, input, select, summary, a[href])")].filter(
    (e) => e.checkVisibility() && !["changelist-filter-close", "modal-content"].includes(e.id)),
].map((e) => `unheard: ${e.outerHTML.slice(0, 100)}`)"""


FOCUS = """() => {
  const e = document.activeElement;
  const own = e === document.body ? "" : e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.placeholder || "";
  return [own, getComputedStyle(e).outlineStyle !== "none"];
}"""


def problems(page: Page, width: int) -> list[str]:
    found = page.evaluate(SIDEWAYS) + page.evaluate(UNHEARD)
    if width in AXE_WIDTHS:
        result = Axe().run(page, options={"runOnly": RULES})
        found += [
            f"axe {v['id']}: {v['nodes'][0]['html'][:120]} {v['nodes'][0].get('failureSummary', '')[:200]}"
            for v in result.response["violations"]
        ]
    return found


def check(page: Page) -> list[str]:
    """What is wrong with the open page, in every width and theme."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.reload()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{width} {theme}: {problem}" for problem in problems(page, width)]
    return found


def follow(page: Page, *links: str) -> None:
    """Goes where these links lead, one after the other."""
    for link in links:
        page.get_by_role("link", name=link).first.click()
        page.wait_for_load_state()


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        LIST,
        f"{LIST}?q=nothing-has-this-in-it",
        f"{LIST}?is=live",
        f"{LIST}add/",
        "/admin/knowledge/search/",
        "/admin/knowledge/search/?q=How+long+does+the+battery+of+the+X1+last%3F",
        "/admin/password_change/",
    ],
)
def test_pages_of_a_curator(page, sign_in, site, path):
    sign_in(page, "curator", "/admin/")
    page.goto(site.address + path)
    assert check(page) == []


def test_a_document_and_its_deletion(page, sign_in):
    sign_in(page, "curator", LIST)
    follow(page, "X1 user manual")
    assert check(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    follow(page, "Delete document")
    assert check(page) == []


def test_a_form_that_was_not_understood(page, sign_in):
    sign_in(page, "curator", f"{LIST}add/")
    page.get_by_label("Text", exact=True).fill("A text without a title")
    page.get_by_role("button", name="Add documents").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing has been added yet")
    expect(page.get_by_text("A text needs a title.")).to_be_visible()
    result = Axe().run(page, options={"runOnly": RULES})
    assert [v["id"] for v in result.response["violations"]] == []


@pytest.mark.parametrize(
    "links",
    [
        ("Settings",),
        ("Members",),
        ("Members", "Add member"),
        ("API keys",),
        ("API keys", "Add API key"),
        ("Audit trail",),
        ("Audit trail", re.compile(r"\d{4}")),
    ],
)
def test_pages_of_an_owner(page, sign_in, links):
    sign_in(page, "owner", "/admin/")
    follow(page, *links)
    assert check(page) == []


@pytest.mark.parametrize("role", ["reviewer", "agent"])
def test_the_first_page_of_those_who_keep_no_documents(page, sign_in, role):
    sign_in(page, role, "/admin/")
    expect(page.get_by_role("link", name="Open the chat")).to_be_visible()
    assert check(page) == []


@pytest.mark.parametrize("links", [(), ("Tenants",), ("Accounts",), ("Jobs",)])
def test_pages_of_an_operator(page, sign_in, links):
    sign_in(page, "operator", "/admin/")
    follow(page, *links)
    assert check(page) == []


def test_the_menu_on_a_phone(page, sign_in):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, "curator", "/admin/")
    menu = page.get_by_role("button", name="Menu", exact=True)
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Documents", exact=True)).to_be_visible()
    expect(page.locator("#nav-sidebar a").first).to_be_focused()
    result = Axe().run(page, options={"runOnly": RULES})
    assert [v["id"] for v in result.response["violations"]] == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Documents", exact=True)).to_be_hidden()
    expect(menu).to_be_focused()


def press_to(page: Page, name: str, *, key: str = "Tab", most: int = 60) -> None:
    """Presses Tab until what has this name has the focus, and sees that the focus shows."""
    for _ in range(most):
        page.keyboard.press(key)
        said, shown = page.evaluate(FOCUS)
        if name in said:
            assert shown, f"{name}: the focus does not show"
            return
    pytest.fail(f"{name} cannot be reached")


def test_keyboard_alone_does_a_curators_work(page, sign_in):
    sign_in(page, "curator", "/admin/")
    press_to(page, "Add documents")
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/")
    press_to(page, "Title")
    page.keyboard.type("Keyboard")
    press_to(page, "Text")
    page.keyboard.type("The keyboard opens at nine.")
    press_to(page, "Add documents")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LIST}")
    expect(page.locator("#result_list tbody").first.locator(".aw-badge")).to_have_text("Live", timeout=60_000)

    press_to(page, "Filters")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()
    expect(page.get_by_role("button", name="Filters")).to_be_focused()

    press_to(page, "Keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    press_to(page, "Switch off passage 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Switch on passage 1")).to_be_focused()
    press_to(page, "Delete document")
    page.keyboard.press("Enter")
    page.wait_for_url("**/delete/")
    press_to(page, "Yes, delete")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The document “Keyboard” was deleted")).to_be_visible()


def test_keyboard_alone_reaches_the_account(page, sign_in):
    sign_in(page, "curator", "/admin/")
    press_to(page, "Carl Nguyen")
    page.keyboard.press("Enter")
    press_to(page, "Dark", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    press_to(page, "Sign out")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.keyboard.press("Enter")
    press_to(page, "Sign out", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
