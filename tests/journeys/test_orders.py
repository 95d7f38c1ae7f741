"""A customer's own orders: where they are, and the forms for what is wrong with them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.rules import check

pytestmark = pytest.mark.browser


@pytest.fixture
def orders(page, sign_in, site):
    """`orders(path, who)`: a page about one's orders."""

    def opened(path: str = "", who: str = "sofia") -> Page:
        sign_in(page, who)
        page.goto(f"{site.address}/techpro/orders/{path}")
        return page

    return opened


def test_signs_in_on_the_way_to_the_orders(page, site):
    page.goto(f"{site.address}/techpro/orders/ORD-1002/")
    page.get_by_label("E-mail or name").fill("sofia@techpro.example")
    page.get_by_label("Password").fill(site.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Order ORD-1002")).to_contain_text("$1,099.98")


def test_sees_where_an_order_is_and_asks_about_it(orders):
    page = orders()
    page.get_by_role("navigation", name="Orders").get_by_role("link", name="ORD-1002").click()
    order = page.get_by_role("region", name="Order ORD-1002")
    track = order.get_by_role("list", name="Delivery 610016989280")
    expect(track.locator("[aria-current=step]")).to_contain_text("In transit")
    expect(track.locator("[aria-current=step]")).to_contain_text("Memphis, TN")
    expect(track.get_by_role("listitem")).to_have_count(5)
    order.get_by_role("link", name="Ask about this order").click()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Where is my order ORD-1002?")


def test_orders_of_others_are_not_there(context, sign_in, site):
    page = context.new_page()  # its console tells of the 404, as it should
    sign_in(page, "sofia")
    assert page.goto(f"{site.address}/techpro/orders/ORD-1003/").status == 404


def test_complains_about_an_order(orders):
    page = orders("ORD-0931/")
    page.get_by_role("link", name="Something is wrong").click()
    page.get_by_label("Tell us more").fill("Short")
    page.get_by_role("button", name="Send complaint").click()
    expect(page.get_by_text("Choose what comes closest.")).to_be_visible()
    expect(page.get_by_text("Please write at least one full sentence")).to_be_visible()
    expect(page.get_by_label("Tell us more")).to_have_value("Short")
    page.get_by_text("Does not work").click()
    page.get_by_label("Tell us more").fill("The left side has been silent since yesterday.")
    page.get_by_text("Replacement").click()
    page.get_by_role("button", name="Send complaint").dblclick()
    notice = page.locator("main [role=status]").filter(has_text="CMP-")
    expect(notice).to_contain_text("A person reads it and answers you.")
    code = re.search(r"CMP-\d+", notice.inner_text()).group()
    expect(page.get_by_role("region", name="What you asked for")).to_contain_text(f"Complaint {code}: Does not work")
    assert page.get_by_text("Does not work").count() == 1


def test_sends_items_back(orders):
    page = orders("ORD-0992/", "daniel")
    page.get_by_role("link", name="Send items back").click()
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_text("Choose at least one item.")).to_be_visible()
    page.get_by_text("Clear Case Pro 12").click()
    page.get_by_text("Gift card").click()
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_text("Your return is noted.")).to_be_visible()
    order = page.get_by_role("region", name="Order ORD-0992")
    expect(order).to_contain_text("Return requested")
    expect(order.locator(".totals")).to_contain_text("$29.00")
    expect(order.get_by_role("link", name="Send items back")).to_have_count(0)


def test_asks_for_money_back(orders):
    page = orders("ORD-1005/", "lena")
    page.get_by_role("link", name="Ask for money back").click()
    page.get_by_label("How much?").fill("5000")
    page.get_by_label("Why?").fill("The box was open.")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_text("That is more than can be given back for this order.")).to_be_visible()
    expect(page.get_by_label("Why?")).to_have_value("The box was open.")
    page.get_by_label("How much?").fill("20")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_text("A person decides on it and tells you.")).to_be_visible()
    expect(page.get_by_role("region", name="What you asked for")).to_contain_text("$20.00")


@pytest.mark.parametrize(
    "path", ["", "ORD-1002/", "ORD-1002/complaint/", "ORD-0995/return/", "ORD-1017/refund/", "ORD-1020/return/"]
)
def test_pages_of_orders(page, sign_in, site, path):
    sign_in(page, "lena" if path[:8] in {"ORD-0995", "ORD-1017", "ORD-1020"} else "sofia")
    assert check(page, f"{site.address}/techpro/orders/{path}", "main") == []


def test_a_form_that_was_not_understood(orders):
    page = orders("ORD-1002/complaint/")
    page.get_by_role("button", name="Send complaint").click()
    expect(page.get_by_text("Choose what comes closest.")).to_be_visible()
    expect(page.get_by_label("Tell us more")).to_be_focused()
