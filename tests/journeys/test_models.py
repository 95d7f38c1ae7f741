"""An owner adds a language model, tries it, and never sees its key again."""

import os

import pytest
from playwright.sync_api import expect

from tests.agents.llm.servers import Server
from tests.journeys.test_admin_pages import check

pytestmark = pytest.mark.browser
MODELS = "/admin/agents/languagemodel/"
KEY = "sk-proj-Abc123Def456"


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def picture(page, name):
    if folder := os.environ.get("ASKWELL_PICTURES"):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_owner_adds_a_model_and_tries_it(page, sign_in, site, server):
    server.says("Hello, I am the model of this test.", {"prompt_tokens": 30, "completion_tokens": 9})
    sign_in(page, "owner", MODELS)
    assert check(page) == []
    page.goto(f"{site.address}{MODELS}add/")
    assert check(page) == []
    page.locator("#id_model").fill("test-model")
    page.locator("#id_base_url").fill(server.base_url)
    page.locator("#id_key").fill(KEY)
    page.locator("#id_input_price").fill("0.40")
    page.locator("#id_output_price").fill("1.60")
    page.locator("#id_active").uncheck()  # other journeys share the tenant
    picture(page, "model-form")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Try test-model").click()
    expect(page.get_by_text("“Hello, I am the model of this test.” First word after")).to_be_visible()
    expect(page.get_by_text("30 tokens read, 9 written; 0.0000264 US dollars.")).to_be_visible()
    picture(page, "models")
    assert check(page) == []
    page.get_by_role("link", name="test-model").click()
    assert KEY not in page.content()
    assert check(page) == []
    server.answers({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("The server refuses the key.")).to_be_visible()
    assert KEY not in page.content()
    picture(page, "model-refused")
