"""Makes the pictures in docs/ from a fresh demo: `python -m benchmarks.screenshots`. Needs chromium and fonts-inter."""

import json
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.serving import ROOT, Server, serving

DOCS = ROOT / "docs"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WIDE = {"width": 1440, "height": 900}
QUESTIONS = [
    "How long does the battery of the X1 last?",
    "And how long does it take to charge?",
    "Can I return a laptop that I have already opened?",
]
PATIENCE = 20_000  # milliseconds


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


def staff(browser: Browser, server: Server) -> None:
    password = json.loads((server.data / "demo-sign-ins.json").read_text())["password"]
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{server.base}/accounts/sign-in/?next=/techpro/review/")
    page.fill("input[name=username]", "olivia@techpro.example")
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.locator(".reply").first.wait_for(timeout=PATIENCE)
    page.screenshot(path=DOCS / "review.png")
    page.goto(f"{server.base}/admin/knowledge/document/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "admin.png")
    page.goto(f"{server.base}/admin/knowledge/search/?q=Can+I+return+an+opened+laptop%3F")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "search.png")


def main(chromium: Path = Path("/usr/bin/chromium")) -> None:
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        chat(browser, server)
        staff(browser, server)
        browser.close()


if __name__ == "__main__":
    main()
