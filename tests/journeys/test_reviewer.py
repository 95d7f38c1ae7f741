"""A reviewer: finds what customers disliked, reads why the agent said it, and says what it should have said."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

DISLIKED = "Can I return a laptop that I have already opened?"


@pytest.fixture
def disliked(browser, site, open_chat, ask):
    """A visitor asks, and gives one star."""
    page = browser.new_context().new_page()
    open_chat(page)
    answer = ask(page, DISLIKED)
    answer.get_by_text("1 star", exact=True).locator("..").click()
    expect(page.locator("#status")).to_contain_text("your rating is saved")
    page.context.close()


def test_reviews_what_a_customer_disliked(page, disliked, sign_in):
    sign_in(page, "reviewer", "/techpro/review/")
    page.get_by_label("Rated low").locator("..").click()
    page.wait_for_url("**low=1*")
    queue = page.get_by_role("navigation", name="Queue")
    queue.get_by_role("link", name=DISLIKED).first.click()
    page.wait_for_url(re.compile(r"/techpro/review/[0-9a-f-]{36}/\?low=1$"))
    detail = page.get_by_role("main")
    expect(detail.get_by_role("heading", level=1)).to_have_text(f"“{DISLIKED}”")
    expect(detail).to_contain_text("Rated 1 of 5")
    expect(detail.get_by_role("heading", name="How it came about")).to_be_visible()
    expect(detail.locator(".hit")).not_to_have_count(0)
    expect(detail.locator(".hit .scores").first).to_contain_text("Word by word")

    reviewed = page.url
    detail.get_by_role("radio", name="2", exact=True).check(force=True)
    detail.get_by_label("Incomplete").check(force=True)
    detail.get_by_label("Better answer").fill("Yes, within 30 days, if nothing is missing.")
    detail.get_by_role("button", name="Save and go on").click()
    expect(page.locator("#status")).to_contain_text("Saved.")
    expect(page).not_to_have_url(reviewed)

    page.goto(reviewed)
    expect(page.get_by_role("radio", name="2", exact=True)).to_be_checked()
    expect(page.get_by_label("Better answer")).to_have_value("Yes, within 30 days, if nothing is missing.")


def test_an_empty_verdict_is_refused_in_place(page, disliked, sign_in):
    sign_in(page, "reviewer", "/techpro/review/")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a rating")


def test_reads_the_conversation_and_the_sources(page, disliked, sign_in):
    sign_in(page, "reviewer", "/techpro/review/")
    page.get_by_role("link", name="Conversation").click()
    expect(page.locator(".bubble").first).to_be_visible()
    page.get_by_role("link", name="Back to the reply").click()
    page.wait_for_url(re.compile("/techpro/review/[0-9a-f-]{36}/"))
    page.locator(".hit-title a").first.click()
    expect(page.locator("#passage")).to_be_in_viewport()


def test_filters_are_in_the_address_and_survive_going_back(page, disliked, sign_in):
    sign_in(page, "reviewer", "/techpro/review/")
    page.locator("#filter-more").click()
    page.get_by_label("Show").select_option("all")
    page.wait_for_url("**state=all*")
    page.get_by_role("searchbox").fill("opened")
    page.wait_for_url("**q=opened*")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.locator(".reply").first).to_contain_text("opened")
    page.go_back()
    page.wait_for_url(re.compile(r"review/\?((?!q=opened).)*$"))


def test_a_customer_does_not_get_in(context, site, sign_in):
    page = context.new_page()  # its console tells of the 404, as it should
    sign_in(page, "customer")
    assert page.goto(f"{site.address}/techpro/review/").status == 404
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
