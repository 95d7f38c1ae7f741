"""Makes the pictures in docs/ from a fresh demo: `python -m benchmarks.screenshots [chat] [staff] [acting] [shop]
[reports] [evaluation] [models]`.

Without a name it makes all of them. Needs chromium and fonts-inter.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.serving import ROOT, Server, scripted_model, serving

DOCS = ROOT / "docs"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDE = {"width": 1440, "height": 900}
QUESTIONS = [
    "How long does the battery of the X1 last?",
    "And how long does it take to charge?",
    "Can I return a laptop that I have already opened?",
]
UNANSWERED = [
    "Do you sponsor local football clubs?",
    "Would you sponsor our football club?",
    "Which football clubs do you sponsor?",
    "Is there a museum of typewriters nearby?",
]
PATIENCE = 20_000  # milliseconds
SETTLED = 32_000  # milliseconds until the report of gaps looks at a reply


def ask(page: Page, question: str) -> None:
    """Sends a question and waits until its reply is whole."""
    replies = page.locator("article.msg:not(.msg-you):not([aria-busy=true]) .feedback")
    before = replies.count()
    page.fill("#ask", question)
    page.keyboard.press("Enter")
    replies.nth(before).wait_for(timeout=PATIENCE)


def chat(browser: Browser, server: Server) -> None:
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{server.base}/techpro/")
    page.locator("#chat[data-ready]").wait_for(timeout=PATIENCE)
    for question in QUESTIONS:
        ask(page, question)
    page.locator(".source").last.click()
    page.locator(".panel mark").first.wait_for(timeout=PATIENCE)
    page.mouse.move(700, 860)
    page.screenshot(path=DOCS / "chat.png")
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.goto(f"{server.base}/techpro/")
    phone.locator("#chat[data-ready]").wait_for(timeout=PATIENCE)
    ask(phone, QUESTIONS[0])
    phone.screenshot(path=DOCS / "chat-phone.png")


def signed_in(browser: Browser, server: Server, who: str, then: str) -> Page:
    """A page of the demo as one of its people sees it."""
    password = json.loads((server.data / "demo-sign-ins.json").read_text())["password"]
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{server.base}/accounts/sign-in/?next={then}")
    page.fill("input[name=username]", f"{who}@techpro.example")
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(server.base + then)
    return page


def staff(browser: Browser, server: Server) -> None:
    page = signed_in(browser, server, "olivia", "/techpro/review/")
    page.locator(".reply").first.wait_for(timeout=PATIENCE)
    page.screenshot(path=DOCS / "review.png")
    page.goto(f"{server.base}/admin/knowledge/document/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "admin.png")
    page.goto(f"{server.base}/admin/knowledge/search/?q=Can+I+return+an+opened+laptop%3F")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "search.png")


def acting(browser: Browser, server: Server) -> None:
    page = signed_in(browser, server, "sofia", "/techpro/")
    page.locator("#chat[data-ready]").wait_for(timeout=PATIENCE)
    ask(page, "Where is ORD-1002?")
    page.screenshot(path=DOCS / "orders.png")
    ask(page, "I want to return the UltraBook from ORD-1001")
    page.get_by_role("button", name="Visa ending 4242").click()
    page.locator("article[data-finished] [data-decide=confirm]").wait_for(timeout=PATIENCE)
    page.mouse.move(700, 860)
    page.screenshot(path=DOCS / "action.png")


def shop(browser: Browser, server: Server) -> None:
    page = signed_in(browser, server, "sofia", "/techpro/orders/")
    page.get_by_role("link", name="ORD-1002").click()
    page.get_by_role("region", name="Order ORD-1002").wait_for(timeout=PATIENCE)
    page.mouse.move(700, 860)
    page.screenshot(path=DOCS / "my-orders.png")
    for name, path in (
        ("products", "products/?p=TP-X1-14&p=TP-UB-13"),
        ("compare", "compare/?p=TP-X1-14&p=TP-UB-13&p=TP-G1-16"),
    ):
        page.goto(f"{server.base}/techpro/{path}")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=DOCS / f"{name}.png")


def reports(browser: Browser, server: Server) -> None:
    """Gaps of questions that nothing answers, and a release that is held back: a policy that says nothing any more."""
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{server.base}/techpro/")
    page.locator("#chat[data-ready]").wait_for(timeout=PATIENCE)
    for question in UNANSWERED:
        ask(page, question)
    page = signed_in(browser, server, "olivia", "/admin/")
    page.goto(f"{server.base}/admin/knowledge/releasegate/")
    page.locator("input[name=enabled]").check()
    page.locator("select[name=set]").select_option(index=1)
    page.get_by_role("button", name="Save").click()
    page.goto(f"{server.base}/admin/knowledge/document/add/")
    empty = {
        "name": "returns-and-refunds-policy",
        "mimeType": "text/markdown",
        "buffer": b"# Returns and refunds\n\nAsk in one of our shops.",
    }
    page.set_input_files("input[name=files]", [empty])
    page.get_by_role("button", name="Add documents").last.click()
    _wait_for(page, f"{server.base}/admin/knowledge/release/", "Held back")
    page.get_by_role("link", name="Returns and refunds").first.click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "release.png")
    page.goto(f"{server.base}/admin/knowledge/gap/")
    page.wait_for_timeout(SETTLED)
    page.get_by_role("button", name="Look at the latest questions").click()
    _wait_for(page, f"{server.base}/admin/knowledge/gap/", "Customers ask for")
    page.screenshot(path=DOCS / "gaps.png")


def evaluation(browser: Browser, server: Server) -> None:
    """The demo's set asked with other weights and with those that the texts choose, and these runs side by side."""
    page = signed_in(browser, server, "olivia", "/admin/")
    for label, dense, rerank in (("Words alone", "0", "0"), ("Meaning alone", "1", "0"), ("As chosen", "", "")):
        page.goto(f"{server.base}/admin/knowledge/searchsettings/")
        page.fill("input[name=dense_weight]", dense)
        page.fill("input[name=rerank_weight]", rerank)
        page.get_by_role("button", name="Save").click()
        page.wait_for_load_state("networkidle")
        page.goto(f"{server.base}/admin/knowledge/evaluationset/")
        page.get_by_role("link", name="Frequently asked").click()
        page.fill("input[name=label]", label)
        page.get_by_role("button", name="Run").click()
        page.get_by_role("heading", name="Figures").wait_for(timeout=6 * PATIENCE)  # the page follows its run
    page.goto(f"{server.base}/admin/knowledge/evaluationset/")
    page.get_by_role("link", name="Frequently asked").click()
    page.get_by_role("link", name="nDCG@10").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "evaluation.png")
    page.get_by_label("Words alone is the run before").first.check()
    page.get_by_label("As chosen is the run after").first.check()
    page.get_by_role("button", name="Compare the two").click()
    page.get_by_role("link", name="nDCG@10").click()
    page.locator("details.aw-question summary").first.click()
    page.locator(".aw-ranking").first.wait_for(timeout=PATIENCE)
    page.screenshot(path=DOCS / "evaluation-compare.png")


def _wait_for(page: Page, address: str, text: str) -> None:
    """Looks at a page again and again until it says something."""
    for _ in range(60):
        page.goto(address)
        if text in page.locator("body").inner_text():
            return
        page.wait_for_timeout(2_000)
    sys.exit(f"{address} does not say “{text}”.")


def models(browser: Browser) -> None:
    """A server of its own, with a model that has a price."""
    script = {"otherwise": "Yes, that is what the documents say. [1]"}
    with scripted_model(script) as environment, serving(**environment, ASKWELL_PRICES="gpt-4.1-mini=0.4/1.6") as server:
        page = signed_in(browser, server, "sofia", "/techpro/")
        page.locator("#chat[data-ready]").wait_for(timeout=PATIENCE)
        for question in QUESTIONS:
            ask(page, question)
        page = signed_in(browser, server, "olivia", "/techpro/costs/")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=DOCS / "costs.png")
        for name, path in (("models", "languagemodel/add/"), ("prompts", "promptversion/")):
            page.goto(f"{server.base}/admin/agents/{path}")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=DOCS / f"{name}.png")


GROUPS = {"chat": chat, "staff": staff, "acting": acting, "shop": shop, "evaluation": evaluation, "reports": reports}


def main(chromium: Path = Path("/usr/bin/chromium")) -> None:
    wanted = sys.argv[1:] or [*GROUPS, "models"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        if groups := [GROUPS[name] for name in wanted if name != "models"]:
            with serving() as server:
                for group in groups:
                    group(browser, server)
        if "models" in wanted:
            models(browser)
        browser.close()


if __name__ == "__main__":
    main()
