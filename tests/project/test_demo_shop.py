"""The demo shop's data agrees with itself, and with what the demo's documents say."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "project" / "demo"
TEXT = (DEMO / "shop.json").read_text(encoding="utf-8")
SHOP: dict[str, Any] = json.loads(TEXT, parse_float=Decimal)
PRODUCTS, USERS, ORDERS = SHOP["products"], SHOP["users"], SHOP["orders"]
VARIANTS = {item: (product, variant) for product in PRODUCTS.values() for item, variant in product["variants"].items()}
SIGNED_IN = {"sofia@techpro.example", "daniel@techpro.example", "lena@techpro.example"}
SOFIA = "sofia_marsh_4821"
MONEY = ("price", "amount", "balance", "exchange_price_difference")
PARCELS = {
    "pending": set(),
    "cancelled": set(),
    "processed": {"packed", "in_transit", "out_for_delivery"},
    "delivered": {"delivered"},
    "return requested": {"delivered", "returned"},
    "exchange requested": {"delivered", "returned"},
}
PRICES = [  # (product, document, how it names the lowest price)
    ("TP-X1-14", "sources/x1-user-manual.md", "| Price | $1,299 with 16 GB and 512 GB |"),
    ("TP-UB-13", "sources/ultrabook-13-user-manual.md", "| Price | $999 |"),
    ("TP-G1-16", "sources/gaming-laptop-g1-user-manual.md", "| Price | $1,399 |"),
    (
        "TP-PA-240",
        "sources/gaming-laptop-g1-user-manual.md",
        "costs $119 and is ordered under the article number TP-PA-240",
    ),
    ("TP-SP-12", "sources/smartphone-pro-12-user-manual.md", "| Price | $899.99 |"),
    ("TP-TS-11", "sources/tab-studio-11-user-manual.md", "| Price | $649 |"),
    ("TP-NB-4", "sources/tab-studio-11-user-manual.md", "A pack of four nibs costs $12"),
    ("TP-EB-PRO", "documents/techpro/wireless-earbuds-pro-user-manual.md", "| Price | $199.99 |"),
    ("TP-EB-ONE", "sources/warranty-policy.md", "A single replacement earbud costs $69"),
    ("TP-EB-CASE", "sources/warranty-policy.md", "a replacement charging case costs $59"),
    ("TP-H2-PAD", "sources/repair-service-policy.md", "ear pads of Over-Ear H2 cost $25 a pair"),
]
SPECIFIED = [  # (product, document, rows of its table that the specifications repeat)
    ("TP-X1-14", "x1-user-manual", ("Weight", "Size", "Operating system")),
    ("TP-UB-13", "ultrabook-13-user-manual", ("Weight", "Size", "Charging", "Operating system")),
    ("TP-G1-16", "gaming-laptop-g1-user-manual", ("Size", "Operating system")),
    ("TP-SP-12", "smartphone-pro-12-user-manual", ("Weight", "Size", "Operating system")),
    ("TP-TS-11", "tab-studio-11-user-manual", ("Weight", "Size", "Ports", "Charging", "Operating system")),
]
ACCESSORY = re.compile(r"^\| ([^|]+) \| \$([\d,.]+) \|", re.MULTILINE)


def lowest_price(product: str) -> Decimal:
    return min(Decimal(variant["price"]) for variant in PRODUCTS[product]["variants"].values())


def money_in(node: object) -> Iterator[tuple[str, object]]:
    """Every amount of the file, with its name."""
    if isinstance(node, dict):
        yield from ((key, value) for key, value in node.items() if key in MONEY)
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from money_in(child)


def paid(order: dict[str, Any], kind: str) -> Decimal:
    return sum((entry["amount"] for entry in order["payment_history"] if entry["transaction_type"] == kind), Decimal(0))


def item_ids(order: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in order["items"]]


def orders_of(user: str) -> list[dict[str, Any]]:
    return [ORDERS[order] for order in USERS[user]["orders"]]


def test_there_is_enough_to_look_at() -> None:
    assert len(PRODUCTS) >= 28
    assert len({product["category"] for product in PRODUCTS.values()}) >= 8
    assert len(SHOP["relations"]) >= 60
    assert len(USERS) >= 14
    assert len({user["address"]["country"] for user in USERS.values()}) >= 5
    assert len(ORDERS) + len(SHOP["complaints"]) + len(SHOP["refunds"]) >= 55


def test_the_file_is_sorted() -> None:
    assert all(list(SHOP[part]) == sorted(SHOP[part]) for part in ("products", "users", "orders"))
    relations = [(relation["from"], relation["kind"], relation["to"]) for relation in SHOP["relations"]]
    assert relations == sorted(set(relations))


def test_every_amount_is_written_to_the_cent() -> None:
    amounts = list(money_in(SHOP))
    assert len(amounts) > 200
    for name, amount in amounts:
        assert isinstance(amount, Decimal), name
        assert amount.as_tuple().exponent == -2
        assert amount > 0


@pytest.mark.parametrize("code", PRODUCTS)
def test_products_are_complete(code: str) -> None:
    product = PRODUCTS[code]
    assert product["product_id"] == code
    assert 2 <= len(product["variants"]) <= 6
    assert len(product["specifications"]) >= 6
    assert all(isinstance(value, str) and value for value in product["specifications"].values())
    assert product["warranty_months"] in {12, 24}
    assert f'id="art-{product["art"]}"' in (ROOT / "static" / "icons.svg").read_text(encoding="utf-8")
    options = [tuple(variant["options"].items()) for variant in product["variants"].values()]
    assert len(set(options)) == len(options)
    assert len({tuple(variant["options"]) for variant in product["variants"].values()}) == 1
    assert all(variant["item_id"] == item for item, variant in product["variants"].items())


def test_item_ids_names_and_nicknames_mean_one_product_each() -> None:
    assert len(VARIANTS) == sum(len(product["variants"]) for product in PRODUCTS.values())
    names = [name.casefold() for product in PRODUCTS.values() for name in (product["name"], *product["aliases"])]
    assert not [name for name, times in Counter(names).items() if times > 1]


def test_one_product_and_several_variants_are_out_of_stock() -> None:
    out = [item for item, (_, variant) in VARIANTS.items() if not variant["available"]]
    assert len(out) >= 6
    assert not any(variant["available"] for variant in PRODUCTS["TP-SD-27"]["variants"].values())


def test_relations_join_two_products_that_exist() -> None:
    kinds = Counter(relation["kind"] for relation in SHOP["relations"])
    assert set(kinds) == {"compatible_with", "accessory_of", "upgrade_of", "bought_with"}
    for relation in SHOP["relations"]:
        assert {relation["from"], relation["to"]} <= set(PRODUCTS)
        assert relation["from"] != relation["to"]


def fits(rule: dict[str, str], one: dict[str, Any], other: dict[str, Any]) -> bool:
    if (one["category"], other["category"]) != (rule["category"], rule["with_category"]):
        return False
    left = one["specifications"].get(rule["specification"])
    right = other["specifications"].get(rule["with_specification"])
    if left is None or right is None:
        return False
    if rule["comparison"] == "at_least":
        numbers = [re.match(r"[\d.]+", value) for value in (left, right)]
        return all(numbers) and float(numbers[0][0]) >= float(numbers[1][0])  # type: ignore[index]  # none is None here
    return bool(left == right if rule["comparison"] == "equal" else right in left)


def derived() -> dict[str, set[str]]:
    """What fits each product by the rules alone."""
    found: dict[str, set[str]] = {code: set() for code in PRODUCTS}
    for rule in SHOP["rules"]:
        for one in PRODUCTS.values():
            for other in PRODUCTS.values():
                if fits(rule, one, other):
                    found[one["product_id"]].add(other["product_id"])
                    found[other["product_id"]].add(one["product_id"])
    return found


def test_every_rule_finds_something() -> None:
    for rule in SHOP["rules"]:
        pairs = [(one, other) for one in PRODUCTS.values() for other in PRODUCTS.values() if fits(rule, one, other)]
        assert pairs, rule


@pytest.mark.parametrize(
    ("product", "fitting", "unfitting"),
    [
        (
            "TP-X1-14",
            "TP-CH-65 TP-CH-100 TP-PB-65 TP-DK-ST TP-FS-14 TP-SSD-S",
            "TP-CH-30 TP-PA-240 TP-FS-13 TP-SSD-M TP-SO-D5",
        ),
        ("TP-UB-13", "TP-CH-65 TP-PB-65 TP-DK-ST TP-SD-27 TP-FS-13", "TP-CH-30 TP-PA-240 TP-FS-14 TP-SSD-S TP-KB-ST"),
        ("TP-G1-16", "TP-PA-240 TP-CH-65 TP-SSD-S TP-SSD-M TP-SO-D5 TP-SD-27", "TP-PB-65 TP-CH-30 TP-FS-14 TP-QI-15"),
        (
            "TP-SP-12",
            "TP-CH-30 TP-PB-65 TP-QI-15 TP-CC-12 TP-EB-PRO TP-KB-K3",
            "TP-FC-11 TP-KB-ST TP-SD-27 TP-PA-240 TP-SD-C",
        ),
        ("TP-TS-11", "TP-CH-30 TP-KB-ST TP-FC-11 TP-SD-C TP-AD-HDMI TP-OE-H2", "TP-QI-15 TP-CC-12 TP-SO-D5 TP-PA-240"),
        ("TP-SA-10", "TP-CH-30 TP-PS-5 TP-EB-PRO", "TP-CC-12 TP-QI-15"),
        ("TP-EB-PRO", "TP-QI-15 TP-CH-30 TP-X1-14", "TP-PA-240"),
    ],
)
def test_rules_find_what_the_compatibility_guide_says(product: str, fitting: str, unfitting: str) -> None:
    found = derived()[product]
    assert set(fitting.split()) <= found
    assert not set(unfitting.split()) & found


@pytest.mark.parametrize("code", USERS)
def test_customers_and_their_orders_name_each_other(code: str) -> None:
    user = USERS[code]
    assert user["user_id"] == code
    assert user["orders"] == [order for order in ORDERS if ORDERS[order]["user_id"] == code]
    for key, method in user["payment_methods"].items():
        assert method["id"] == key
        assert key.startswith(method["source"])
        assert (
            set(method)
            == {"source", "id"}
            | {"credit_card": {"brand", "last_four"}, "gift_card": {"balance"}, "paypal": set()}[method["source"]]
        )


def test_emails_and_names_with_postcode_are_of_one_customer_each() -> None:
    assert len({user["email"] for user in USERS.values()}) == len(USERS)
    assert len({(*user["name"].values(), user["address"]["zip"]) for user in USERS.values()}) == len(USERS)
    assert {user["email"] for user in USERS.values()} >= SIGNED_IN


@pytest.mark.parametrize("code", ORDERS)
def test_orders_add_up(code: str) -> None:
    order = ORDERS[code]
    total = sum(Decimal(item["price"]) for item in order["items"])
    assert order["order_id"] == code
    assert paid(order, "payment") == total
    assert paid(order, "refund") == sum(
        (refund["amount"] for refund in SHOP["refunds"] if refund["order_id"] == code and refund["status"] == "paid"),
        Decimal(0),
    )
    assert (order["status"] == "cancelled") == ("cancel_reason" in order)
    if order["status"] == "cancelled":
        assert paid(order, "refund") == total
    methods = USERS[order["user_id"]]["payment_methods"]
    assert all(entry["payment_method_id"] in methods for entry in order["payment_history"])


@pytest.mark.parametrize("code", ORDERS)
def test_ordered_items_are_variants_as_they_are_sold(code: str) -> None:
    for item in ORDERS[code]["items"]:
        product, variant = VARIANTS[item["item_id"]]
        assert (item["name"], item["product_id"]) == (product["name"], product["product_id"])
        assert (item["price"], item["options"]) == (variant["price"], variant["options"])


@pytest.mark.parametrize("code", ORDERS)
def test_parcels_hold_what_was_sent_and_agree_with_the_status(code: str) -> None:
    order = ORDERS[code]
    parcels = order["deliveries"]
    assert [(parcel["tracking_id"], parcel["items"]) for parcel in parcels] == [
        (*sent["tracking_id"], sent["item_ids"]) for sent in order["fulfillments"]
    ]
    assert bool(parcels) == bool(PARCELS[order["status"]])
    if parcels:
        assert Counter(item for parcel in parcels for item in parcel["items"]) == Counter(item_ids(order))
        assert parcels[-1]["status"] in PARCELS[order["status"]]


@pytest.mark.parametrize("code", ORDERS)
def test_events_follow_the_order_and_lie_in_the_past(code: str) -> None:
    order = ORDERS[code]
    for parcel in order["deliveries"]:
        ages = [float(event["days_ago"]) for event in parcel["events"]]
        assert ages == sorted(ages, reverse=True)
        assert order["placed_days_ago"] > ages[0]
        assert ages[-1] > 0
        assert parcel["events"][-1]["status"] == parcel["status"]
    if "expected_in_days" in order:
        assert order["expected_in_days"] >= -order["placed_days_ago"]


def test_order_numbers_rise_with_time_and_tracking_numbers_are_unique() -> None:
    ages = [order["placed_days_ago"] for order in ORDERS.values()]
    assert ages == sorted(ages, reverse=True)
    numbers = [parcel["tracking_id"] for order in ORDERS.values() for parcel in order["deliveries"]]
    assert len(set(numbers)) == len(numbers) >= 24


def test_parcels_go_where_the_shipping_policy_delivers_free_of_charge() -> None:
    for order in ORDERS.values():
        assert order["address"]["country"] == "USA"
        picked_up = "pick-up" in order["address"]["address2"]
        assert picked_up or paid(order, "payment") >= Decimal(50)


def test_returns_and_exchanges_name_items_of_their_order() -> None:
    for order in ORDERS.values():
        for key in ("return_items", "exchange_items"):
            assert (key in order) == (order["status"] == key.replace("_items", " requested"))
            assert not Counter(order.get(key, [])) - Counter(item_ids(order))
        if "exchange_items" in order:
            old, new = ([VARIANTS[item] for item in order[key]] for key in ("exchange_items", "exchange_new_items"))
            assert [product["product_id"] for product, _ in old] == [product["product_id"] for product, _ in new]
            difference = sum(variant["price"] for _, variant in new) - sum(variant["price"] for _, variant in old)
            assert order["exchange_price_difference"] == difference


def test_complaints_name_a_customer_with_their_order_and_items() -> None:
    assert len({complaint["complaint_id"] for complaint in SHOP["complaints"]}) == len(SHOP["complaints"])
    for complaint in SHOP["complaints"]:
        order = ORDERS[complaint["order_id"]]
        assert order["user_id"] == complaint["user_id"]
        assert set(complaint["items"]) <= set(item_ids(order))
        assert complaint["created_days_ago"] <= order["placed_days_ago"]
        assert bool(complaint["resolution"]) == (complaint["status"] == "resolved")


def test_refunds_are_of_the_order_and_go_to_its_payer() -> None:
    assert len({refund["refund_id"] for refund in SHOP["refunds"]}) == len(SHOP["refunds"])
    for refund in SHOP["refunds"]:
        order = ORDERS[refund["order_id"]]
        assert refund["amount"] <= paid(order, "payment")
        assert refund["payment_method_id"] in {entry["payment_method_id"] for entry in order["payment_history"]}
        assert refund["created_days_ago"] <= order["placed_days_ago"]


def test_every_state_that_an_action_needs_is_there_for_sofia() -> None:
    orders = orders_of(SOFIA)
    assert {order["status"] for order in orders} == {"pending", "processed", "delivered", "return requested"}
    pending = [paid(order, "payment") for order in orders if order["status"] == "pending"]
    methods = USERS[SOFIA]["payment_methods"].values()
    balances = sorted(method["balance"] for method in methods if "balance" in method)
    assert balances[0] < min(pending) <= max(pending) < balances[-1]
    codes = {order["order_id"] for order in orders}
    assert {refund["status"] for refund in SHOP["refunds"] if refund["order_id"] in codes} >= {"paid", "requested"}
    states = {complaint["status"] for complaint in SHOP["complaints"] if complaint["user_id"] == SOFIA}
    assert states == {"open", "in_progress", "resolved"}


def test_all_states_occur() -> None:
    assert {order["status"] for order in ORDERS.values()} == set(PARCELS)
    assert {refund["status"] for refund in SHOP["refunds"]} == {"requested", "approved", "paid", "refused"}
    assert {complaint["status"] for complaint in SHOP["complaints"]} == {"open", "in_progress", "resolved"}
    states = {parcel["status"] for order in ORDERS.values() for parcel in order["deliveries"]}
    assert states == {"packed", "in_transit", "out_for_delivery", "delivered", "returned"}


def test_the_two_orders_of_the_original_demo() -> None:
    first, second = ORDERS["ORD-1001"], ORDERS["ORD-1002"]
    assert (first["user_id"], second["user_id"]) == (SOFIA, SOFIA)
    assert ([item["name"] for item in first["items"]], paid(first, "payment")) == (["UltraBook 13"], Decimal("999.00"))
    assert (first["status"], second["status"]) == ("delivered", "processed")
    assert [item["name"] for item in second["items"]] == ["SmartPhone Pro 12", "Wireless Earbuds Pro"]
    assert paid(second, "payment") == Decimal("1099.98")
    assert (second["expected_in_days"], second["deliveries"][0]["status"]) == (3, "in_transit")
    method = USERS[SOFIA]["payment_methods"][first["payment_history"][0]["payment_method_id"]]
    assert (method["brand"], method["last_four"]) == ("visa", "4242")


@pytest.mark.parametrize(("product", "document", "words"), PRICES)
def test_prices_are_those_of_the_documents(product: str, document: str, words: str) -> None:
    assert words in (DEMO / document).read_text(encoding="utf-8")
    price = re.search(r"\$([\d,.]*\d)", words)
    assert price
    assert lowest_price(product) == Decimal(price[1].replace(",", ""))


def test_accessories_cost_what_the_compatibility_guide_says() -> None:
    guide = (DEMO / "documents" / "techpro" / "compatibility-guide.md").read_text(encoding="utf-8")
    codes = {product["name"]: code for code, product in PRODUCTS.items()}
    rows = ACCESSORY.findall(guide)
    assert len(rows) == 11
    assert [(name, lowest_price(codes[name])) for name, _ in rows] == [(name, Decimal(price)) for name, price in rows]


@pytest.mark.parametrize(("product", "document", "rows"), SPECIFIED)
def test_specifications_are_those_of_the_manuals(product: str, document: str, rows: tuple[str, ...]) -> None:
    manual = (DEMO / "sources" / f"{document}.md").read_text(encoding="utf-8")
    assert f"model number {product}" in manual
    for row in rows:
        assert f"| {row} | {PRODUCTS[product]['specifications'][row]} |" in manual


def test_warranties_are_those_of_the_warranty_terms() -> None:
    short = {"Cases and sleeves"}
    for product in PRODUCTS.values():
        worn = product["product_id"] in {"TP-NB-4", "TP-H2-PAD"}
        one_year = product["category"] in short or "Refurbished" in product["name"] or worn
        assert product["warranty_months"] == (12 if one_year else 24), product["name"]
