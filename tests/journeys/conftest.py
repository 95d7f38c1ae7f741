"""A real server with the demo, for the run, and a real browser. Each journey gets a browser session of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 240.0  # seconds, with the demo's documents read
CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE = 15_000  # milliseconds for anything on a page


@dataclass(frozen=True, slots=True)
class Site:
    """The running demo."""

    address: str
    data: Path
    password: str
    people: dict[str, str]
    """User names by role and by given name, in small letters; the customer is Sofia."""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site", numbered=True)
    for folder in (data, data.parent, data.parent.parent):
        folder.chmod(0o755)  # PostgreSQL runs as another user when the tests run as root
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ASKWELL_", "OPENAI_", "DJANGO_"))}
    environment = {k: v for k, v in environment.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    with (data / "serve.log").open("w") as log:
        command = [sys.executable, "manage.py", "serve", "--port", str(port), "--data", str(data)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(server, address, data / "serve.log")
            demo = json.loads((data / "demo-sign-ins.json").read_text())
            given = {person["name"].split("@")[0]: person["name"] for person in demo["people"]}
            roles = {person["role"].lower(): person["name"] for person in reversed(demo["people"])}
            yield Site(address, data, demo["password"], given | roles)
        finally:
            server.terminate()
            server.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2) as response:  # noqa: S310 (our own server)
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"The server did not become ready:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for path in CHROMIUM if Path(path).exists()), shutil.which("chromium"))
    assert found, "The journeys need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def page(context) -> Iterator[Page]:
    """A page that fails its test when it logs an error: a script that broke, or something the policy refused."""
    made = context.new_page()
    errors = watch(made)
    yield made
    assert errors == []


def watch(page: Page) -> list[str]:
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    return errors


@pytest.fixture
def sign_in(site):
    """`sign_in(page, who, then=path)`: signs in as the demo's person with that role or given name."""

    def as_person(page: Page, who: str, then: str = "/techpro/") -> None:
        page.goto(f"{site.address}/accounts/sign-in/?next={then}")
        page.get_by_label("E-mail or name").fill(site.people[who])
        page.get_by_label("Password").fill(site.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(site.address + then)

    return as_person


@pytest.fixture
def open_chat(site):
    """`open_chat(page, path="")`: a page of the chat, once its scripts run."""

    def opened(page: Page, path: str = "") -> None:
        page.goto(f"{site.address}/techpro/{path}")
        page.locator("#chat[data-ready]").wait_for()

    return opened


@pytest.fixture
def ask():
    """`ask(page, text)`: asks and waits for the end of the answer, which it returns."""

    def asked(page: Page, text: str):
        finished = page.locator(".messages article[data-finished]")
        before = finished.count()
        page.get_by_label("Message", exact=True).fill(text)
        page.keyboard.press("Enter")
        finished.nth(before).wait_for()
        return finished.nth(before)

    return asked
