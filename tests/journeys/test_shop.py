"""A visitor of the shop: finds products, compares them, and asks about them."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.rules import check

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(page, site):
    """`shop(path)`: a page of the shop."""

    def opened(path: str = "products/") -> Page:
        page.goto(f"{site.address}/techpro/{path}")
        return page

    return opened


def names(page: Page) -> list[str]:
    return page.locator("#found .product h3").all_inner_texts()


def prices(page: Page) -> list[float]:
    return [float(price.strip("$").replace(",", "")) for price in page.locator("#found .price").all_inner_texts()]


def test_searches_narrows_and_sorts(shop):
    page = shop()
    count = page.locator("#found [role=status]")
    expect(count).to_contain_text("46 products")
    page.get_by_label("Search products").fill("charger")
    expect(count).not_to_contain_text("46 products")
    page.get_by_label("Chargers").check()
    expect(count).to_contain_text("Chargers")
    page.get_by_label("Sort by").select_option("Lowest price")
    page.wait_for_url("**sort=price**")
    expect(page.locator("#found .product h3").first).to_have_text("Charger 30 W")
    assert prices(page) == sorted(prices(page))
    page.get_by_label("Up to").fill("50")
    page.keyboard.press("Tab")
    expect(count).to_contain_text("Up to $50.00")
    assert max(prices(page)) <= 50
    found = names(page)
    page.reload()
    assert names(page) == found
    expect(page.get_by_label("Search products")).to_have_value("charger")
    page.get_by_role("link", name="Show all products").click()
    expect(count).to_contain_text("46 products")


def test_filters_set_while_an_answer_is_under_way_are_kept(shop):
    page = shop()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        route.continue_() if held else held.append(route)

    page.route(re.compile(r"/products/\?"), hold_the_first)
    page.get_by_label("Laptops").check()
    page.get_by_label("Phones").check()
    held[0].continue_()
    count = page.locator("#found [role=status]")
    expect(count).to_contain_text("9 products Laptops Phones", use_inner_text=True)
    expect(page.get_by_label("Laptops")).to_be_checked()
    expect(page.get_by_label("Phones")).to_be_checked()


def test_turns_the_pages(shop):
    page = shop()
    first = names(page)
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**page=2")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    assert not set(first) & set(names(page))
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    assert names(page) == first


def test_a_search_without_a_result_says_what_to_do(shop):
    page = shop("products/?q=fridge")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("link", name="Ask in the chat").click()
    page.locator("#chat[data-ready]").wait_for()


def test_compares_what_was_picked_in_the_browser(shop):
    page = shop("products/?category=Laptops")
    page.get_by_role("button", name="Compare TechPro X1 Laptop", exact=True).click()
    tray = page.get_by_role("region", name="Compare")
    expect(tray).to_contain_text("Choose another one")
    page.get_by_role("button", name="Compare UltraBook 13").click()
    tray.get_by_role("link", name="Compare").click()
    table = page.get_by_role("table")
    expect(table.get_by_role("row", name=re.compile("^Weight"))).to_contain_text("1.12 kg better")
    expect(table.get_by_role("row", name=re.compile("^Price"))).to_contain_text("$999.00 better")
    page.get_by_role("link", name="Add another one").click()
    page.get_by_role("button", name="Compare Gaming Laptop G1").click()
    expect(tray).to_contain_text("3 to compare")
    tray.get_by_role("link", name="Compare").click()
    expect(table.get_by_role("columnheader")).to_contain_text(["X1", "UltraBook 13", "Gaming Laptop G1", "same"])
    page.get_by_role("link", name="Take UltraBook 13 away").click()
    expect(table).not_to_contain_text("UltraBook")
    page.get_by_role("link", name="Ask about these").click()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Compare TechPro X1 Laptop, Gaming Laptop G1")


def test_a_product_leads_to_what_fits_it_and_to_a_question(shop):
    page = shop("products/TP-X1-14/")
    page.get_by_role("link", name="32 GB, 1 TB").click()
    expect(page.locator(".pdp-price")).to_have_text("$1,599.00")
    page.get_by_role("link", name=re.compile("^Charger 65 W")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Charger 65 W")
    page.get_by_role("link", name="Ask about this").click()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Tell me about Charger 65 W")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    answer = page.locator("article[data-finished]")
    expect(answer.get_by_role("list", name="Products")).to_contain_text("$49.00")
    answer.get_by_role("link", name="Charger 65 W").click()
    page.wait_for_url("**/products/TP-CH-65/")


def test_compares_in_the_conversation(page, open_chat, ask):
    open_chat(page)
    answer = ask(page, "Compare the SmartPhone Pro 12 with the SmartPhone Air 10")
    expect(answer.locator(".prose")).to_contain_text("$599.99")
    table = answer.get_by_role("table")
    expect(table.get_by_role("row", name=re.compile("^Battery life"))).to_contain_text("24 hours better")
    expect(table.get_by_role("row", name=re.compile("^Wireless charging"))).to_contain_text("–")
    wrap = "e => { const w = e.closest('.table-wrap'); return w.scrollWidth - w.clientWidth }"
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        assert table.evaluate(wrap) == 0


@pytest.mark.parametrize(
    "path", ["products/", "products/?q=fridge", "products/TP-X1-14/", "compare/", "compare/?p=TP-X1-14&p=TP-UB-13"]
)
def test_pages_of_the_shop(page, site, path):
    assert check(page, f"{site.address}/techpro/{path}", "main") == []
