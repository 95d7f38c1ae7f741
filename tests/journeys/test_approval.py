"""A change that moves much money: the customer confirms it, a person of the shop agrees, and only then it is made."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PATIENCE, watch

pytestmark = pytest.mark.browser


@pytest.fixture
def person(browser, sign_in):
    """`person(who, path)`: a page of a browser of their own, in which somebody of the shop is signed in."""
    contexts, errors = [], []

    def signed_in(who: str, path: str):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        errors.append(watch(page))
        sign_in(page, who, path)
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert not any(errors)


@pytest.fixture
def limit(person, site):
    """Changes of more than $1,000 need a person, set by the owner in the admin; taken back afterwards."""
    page = person("owner", "/admin/")

    def save(amount: str) -> None:
        page.goto(f"{site.address}/admin/agents/agentpolicy/")
        page.get_by_label("Approval amount").fill(amount)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was changed successfully")).to_be_visible()

    save("1000")
    yield
    save("")


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("word", ["Refuse", "Approve"])
def test_a_person_decides_on_a_change_that_moves_much(page, person, open_chat, ask, word):
    open_chat(page)
    ask(page, "Please cancel ORD-1015, I no longer need it.")
    ask(page, "grace.okafor@post.example")
    card = page.locator("[data-action]")
    for choice in ("No longer needed", "gift card"):
        offered = page.locator(".messages article[data-finished]").last.locator(".chip", has_text=choice)
        if card.count() == 0 and offered.count():
            offered.first.click()
            page.wait_for_timeout(500)
    expect(card).to_contain_text("Cancel order ORD-1015")
    confirm = card.get_by_role("button", name="Cancel the order")
    if confirm.count():
        confirm.click()
    expect(card).to_contain_text("A person checks this first.")

    desk = person("agent", "/techpro/inbox/")
    desk.locator("#inbox-list .reply", has_text="Grace").first.click()
    waiting = desk.locator("#approvals")
    expect(waiting).to_contain_text("Cancel order ORD-1015")
    if word == "Refuse":
        waiting.get_by_label("Reason, if you refuse").fill("It is already at the carrier.")
    waiting.get_by_role("button", name=word).click()
    expect(waiting.get_by_role("button", name=word)).to_have_count(0)
    expect(card).to_contain_text(
        "Order ORD-1015 is cancelled" if word == "Approve" else "It is already at the carrier."
    )
    expect(card.get_by_role("button")).to_have_count(0)
