"""The graph on a small catalogue made by hand."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.graph import FitKind, compare, compatible_with, how_related, similar_to
from commerce.graph.comparison import RowKind
from commerce.graph.quantities import best_of, direction, quantity
from commerce.models import CompatibilityRule, Product, ProductFact, ProductWord, Relation, Variant
from tenants.scope import NoTenantScope, tenant_scope

X1 = {"Memory": "16 GB", "Storage": "512 GB SSD", "Weight": "1.38 kg", "Ports": "2 x USB-C, HDMI", "Charging": "USB-C"}
U13 = {"Memory": "8 GB", "Storage": "1 TB SSD", "Weight": "1120 g", "Ports": "USB-C", "Charging": "USB-C"}
G1 = {"Memory": "32 GB", "Storage": "1 TB SSD", "Weight": "2.4 kg", "Charging": "Barrel"}


def add(code: str, category: str, price: str | None, specifications=None, **values) -> Product:
    price = None if price is None else Decimal(price)
    values = {"name": code.title(), "available": True, **values}
    return Product.objects.create(
        code=code, category=category, price=price, specifications=specifications or {}, **values
    )


@pytest.fixture
def catalogue(scope) -> dict[str, Product]:
    made = {
        "x1": add("x1", "Laptops", "1299", X1, name="TechPro X1", brand="TechPro", rating="4.7", warranty_months=24),
        "u13": add(
            "u13", "Laptops", "999", U13, name="UltraBook 13", brand="TechPro", rating="4.5", warranty_months=24
        ),
        "g1": add("g1", "Laptops", "1399", G1, name="Gaming G1", brand="Forge", available=False),
        "charger": add("charger", "Chargers", "49", {"Connector": "usb-c", "Power": "65 W"}, name="Charger 65 W"),
        "small": add("small", "Chargers", "19", {"Connector": "USB-C", "Power": "20 W"}, name="Charger 20 W"),
        "barrel": add("barrel", "Chargers", "39", {"Connector": "Barrel", "Power": "180 W"}, name="Charger G"),
        "dock": add("dock", "Docks", "189", {"Cable": "USB-C"}, name="Dock Studio"),
        "sleeve": add("sleeve", "Sleeves", "39", name="Felt Sleeve 14"),
        "phone": add("phone", "Phones", "899.99", name="SmartPhone Pro 12"),
        "pods": add("pods", "Audio", "199.99", name="Earbuds Pro"),
        "gone": add("gone", "Sleeves", "9", name="Old Sleeve", active=False),
    }
    relate = lambda a, kind, b, weight=1.0: Relation.objects.create(  # noqa: E731 (a short name for the table below)
        source=made[a], target=made[b], kind=kind, weight=weight
    )
    relate("sleeve", "accessory_of", "x1")
    relate("gone", "accessory_of", "x1", 9)
    relate("x1", "compatible_with", "dock", 2)
    relate("phone", "compatible_with", "x1")
    relate("pods", "accessory_of", "phone")
    relate("pods", "bought_with", "charger")
    return made


def codes(found) -> list[str]:
    return [entry.product.code for entry in found]


def row(comparison, name):
    return next(row for row in comparison.rows if row.name == name)


# ----- compare -----


def test_differing_rows_come_first_and_the_better_value_is_marked_where_it_can_be_known(catalogue):
    found = compare(["u13", "x1"])
    assert [product.code for product in found.products] == ["u13", "x1"]
    differing = [row.differs for row in found.rows]
    assert differing == sorted(differing, reverse=True)
    assert row(found, "Memory").best == {1}
    assert row(found, "Storage").best == {0}  # 1 TB is more than 512 GB
    assert row(found, "Weight").best == {0}  # 1120 g is less than 1.38 kg
    assert row(found, "Ports").best == frozenset()
    assert row(found, "price").best == {0}
    assert row(found, "price").amounts == (Decimal("999.00"), Decimal("1299.00"))
    assert row(found, "rating").best == {1}
    assert not row(found, "warranty").differs
    assert not row(found, "Charging").differs


def test_what_one_product_lacks_stays_empty_and_several_may_be_best(catalogue):
    found = compare(["x1", "u13", "g1"])
    assert row(found, "Ports").values == ("2 x USB-C, HDMI", "USB-C", "")
    assert row(found, "Storage").best == {1, 2}
    assert row(found, "available").best == {0, 1}
    assert row(found, "warranty").values == ("24", "24", "")


def test_unknown_and_repeated_codes_of_a_comparison(catalogue):
    found = compare(["x1", "nothing", "x1", "gone"])
    assert [product.code for product in found.products] == ["x1"]
    assert found.unknown == ("nothing", "gone")
    assert compare([]).rows == ()


def test_options_of_variants_are_compared_where_there_are_no_specifications(catalogue):
    for place, colour in enumerate(("red", "blue", "red")):
        options = {"colour": colour}
        Variant.objects.create(product=catalogue["pods"], code=f"v{place}", options=options, price=1, position=place)
    found = row(compare(["pods", "phone"]), "colour")
    assert (found.kind, found.values) == (RowKind.OPTION, ("blue, red", ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16 GB LPDDR5X", (Decimal("16e9"), "bytes")),
        ("1.38 kg", (Decimal(1380), "grams")),
        ("5,000 mAh", (Decimal(5000), "mah")),
        ("up to 12 hours", (Decimal(43200), "seconds")),
        ("1,5 kg", (Decimal(1500), "grams")),
        ("13-inch", (Decimal(13), "inches")),
        ("IP68", None),
        ("1.2.3", None),
        ("", None),
    ],
)
def test_quantities_are_read_from_the_front_of_a_text(text, expected):
    assert quantity(text) == expected


def test_which_direction_is_better_is_known_by_the_name_alone():
    assert [direction(name) for name in ("Battery life", "Weight", "Charging time", "Charging", "Colour")] == [
        1,
        -1,
        -1,
        0,
        0,
    ]
    assert best_of("Battery", ["12 h", "5000 mAh"]) == frozenset()  # what cannot be compared is not
    assert best_of("Battery", ["12 h", "long"]) == frozenset()
    assert best_of("Battery", ["12 h", ""]) == frozenset()


# ----- compatible -----


def test_what_is_stated_comes_with_its_reason_accessories_first(catalogue):
    found = compatible_with("x1")
    assert [(entry.product.code, entry.reason) for entry in found] == [
        ("sleeve", "accessory"),
        ("dock", "compatible"),
        ("phone", "compatible"),
    ]
    assert [entry.kind for entry in compatible_with("sleeve")] == [FitKind.MADE_FOR]
    assert codes(compatible_with("x1", limit=1)) == ["sleeve"]
    assert compatible_with("nothing") == []
    assert compatible_with("gone") == []


def test_a_rule_makes_products_compatible_from_either_side(catalogue):
    CompatibilityRule.objects.create(
        category="Laptops", specification="Charging", with_category="Chargers", with_specification="Connector"
    )
    found = {entry.product.code: entry.reason for entry in compatible_with("u13")}
    assert found == {"charger": "USB-C = usb-c", "small": "USB-C = USB-C"}
    assert codes(compatible_with("barrel")) == ["g1"]


def test_each_rule_alone_is_enough_and_all_that_hold_are_named(catalogue):
    for code, needs in (("u13", "45 W"), ("g1", "none")):
        row = catalogue[code]
        row.specifications = {**row.specifications, "Needs": needs}
        row.save()
    CompatibilityRule.objects.create(
        category="Laptops", specification="Charging", with_category="Chargers", with_specification="Connector"
    )
    CompatibilityRule.objects.create(
        category="Chargers", specification="Power", comparison="at_least",
        with_category="Laptops", with_specification="Needs",
    )  # fmt: skip
    assert {entry.product.code: entry.reason for entry in compatible_with("u13")} == {
        "charger": "65 W ≥ 45 W; USB-C = usb-c",
        "barrel": "180 W ≥ 45 W",
        "small": "USB-C = USB-C",
    }
    assert set(codes(compatible_with("small"))) == {"x1", "u13"}


def test_two_that_have_none_of_something_do_not_fit(catalogue):
    add("a", "Phones", "5", {"Slot": "None"})
    add("b", "Cards", "5", {"Format": "none"})
    CompatibilityRule.objects.create(
        category="Phones", specification="Slot", with_category="Cards", with_specification="Format"
    )
    assert compatible_with("a") == compatible_with("b") == []


def test_a_rule_within_a_category_and_one_on_lists(catalogue):
    CompatibilityRule.objects.create(
        category="Laptops", specification="Ports", comparison="contains",
        with_category="Docks", with_specification="Cable",
    )  # fmt: skip
    assert set(codes(compatible_with("dock"))) == {"x1", "u13"}
    assert {entry.product.code: entry.reason for entry in compatible_with("x1")}["dock"] == "compatible"
    add("usb", "Docks", "5", {"Cable": "USB"})
    assert codes(compatible_with("usb")) == []
    CompatibilityRule.objects.create(
        category="Chargers", specification="Power", comparison="at_least",
        with_category="Chargers", with_specification="Power",
    )  # fmt: skip
    assert set(codes(compatible_with("charger"))) == {"small", "barrel"}


# ----- similar -----


def test_similar_products_share_the_category_then_specifications_price_and_brand(catalogue):
    found = similar_to("x1")
    assert codes(found) == ["u13", "g1"]
    assert found[0].shared == ("Charging",)
    assert 0 < found[1].score < found[0].score < 1
    assert codes(similar_to("x1", limit=1)) == ["u13"]
    assert similar_to("nothing") == []
    assert similar_to("phone") == []


def test_a_product_without_a_price_still_has_similar_ones(catalogue):
    add("proto", "Laptops", None, {"Memory": "32 GB"})
    assert codes(similar_to("proto"))[0] == "g1"


# ----- paths -----


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        ("x1", "dock", ["TechPro X1 is compatible with Dock Studio"]),
        ("dock", "x1", ["TechPro X1 is compatible with Dock Studio"]),
        (
            "sleeve", "dock",
            ["Felt Sleeve 14 is an accessory of TechPro X1", "TechPro X1 is compatible with Dock Studio"],
        ),
        (
            "sleeve", "pods",
            [
                "Felt Sleeve 14 is an accessory of TechPro X1",
                "SmartPhone Pro 12 is compatible with TechPro X1",
                "Earbuds Pro is an accessory of SmartPhone Pro 12",
            ],
        ),
    ],
)  # fmt: skip
def test_the_shortest_way_is_told_in_steps(catalogue, a, b, steps):
    found = how_related(a, b)
    assert [str(step) for step in found.steps] == steps
    assert [product.code for product in (found.products[0], found.products[-1])] == [a, b]
    assert str(found) == "; ".join(steps)


def test_the_category_counts_only_where_relations_do_not_lead(catalogue):
    assert [str(step) for step in how_related("x1", "g1").steps] == ["TechPro X1 is in the same category as Gaming G1"]
    assert [step.kind for step in how_related("dock", "u13").steps] == ["compatible_with", "same_category"]
    assert [step.kind for step in how_related("u13", "dock").steps] == ["same_category", "compatible_with"]
    Relation.objects.create(source=catalogue["g1"], target=catalogue["dock"], kind="compatible_with")
    assert [step.kind for step in how_related("x1", "g1").steps] == ["compatible_with", "compatible_with"]


def test_no_way_leads_over_more_hops_than_allowed_or_over_what_is_gone(catalogue):
    assert how_related("sleeve", "pods", hops=2) is None
    assert how_related("sleeve", "charger") is None  # four hops
    assert how_related("gone", "x1") is None
    assert how_related("x1", "x1") is None
    assert how_related("x1", "nothing") is None
    with pytest.raises(ValueError, match="1 to 3 hops"):
        how_related("x1", "dock", hops=4)


def test_a_way_leads_through_a_hub(catalogue):
    """A product with far more relations than are followed lies between two others."""
    hub = add("hub", "Hubs", "1")
    crowd = Product.objects.bulk_create(
        [Product(tenant=hub.tenant, code=f"c{n}", name=f"C {n}", price=1) for n in range(300)]
    )
    Relation.objects.bulk_create(
        [Relation(tenant=hub.tenant, source=each, target=hub, kind="accessory_of", weight=5) for each in crowd]
    )
    Relation.objects.create(source=catalogue["pods"], target=hub, kind="bought_with", weight=0.1)
    Relation.objects.create(source=hub, target=catalogue["dock"], kind="bought_with", weight=0.1)
    assert [product.code for product in how_related("pods", "dock").products] == ["pods", "hub", "dock"]
    assert len(how_related("sleeve", "pods").steps) == 3
    assert how_related("sleeve", "c299") is None  # sleeve, x1, dock, hub, c299


# ----- all of them -----


@pytest.mark.parametrize(
    "question",
    [
        lambda: compare(["x1", "u13"]),
        lambda: compatible_with("x1"),
        lambda: similar_to("x1"),
        lambda: how_related("sleeve", "pods"),
    ],
)
def test_each_question_is_one_query_(catalogue, question):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        question()
    assert len(queries) == 1


def test_nothing_is_seen_from_another_tenant_or_without_a_scope(tenant, other_tenant):
    with tenant_scope(tenant.pk):
        Relation.objects.create(source=add("a", "Laptops", "1"), target=add("b", "Docks", "1"), kind="compatible_with")
        add("c", "Laptops", "1")
    with tenant_scope(other_tenant.pk):
        assert compare(["a", "b"]).products == ()
        assert compatible_with("a") == []
        assert similar_to("a") == []
        assert how_related("a", "b") is None
        add("a", "Laptops", "2")
        assert compatible_with("a") == []
        assert similar_to("a") == []
    with pytest.raises(NoTenantScope):
        compare(["a"])


# ----- what products are found by -----


def test_words_and_facts_follow_the_products(scope):
    product = add(
        "k1", "Keyboards", "89", {"Layout": "Français", "Storage": "1 TB"}, name="Clavier Élan", aliases=["Elan"]
    )
    assert set(ProductWord.objects.values_list("word", "weight")) == {
        ("k1", 2), ("keyboards", 2), ("clavier", 2), ("elan", 2), ("francais", 1), ("1", 1), ("tb", 1),
    }  # fmt: skip
    assert set(ProductFact.objects.values_list("name", "value", "number", "text")) == {
        ("", "89.00", 89.0, "89.00"), ("layout", "francais", None, "Français"), ("storage", "1 tb", 1e12, "1 TB"),
    }  # fmt: skip
    Product.objects.filter(pk=product.pk).update(price=Decimal(95), name="Clavier Brise")
    assert ProductFact.objects.get(name="").number == 95
    assert "brise" in ProductWord.objects.values_list("word", flat=True)
    Product.objects.filter(pk=product.pk).update(active=False)
    assert not ProductWord.objects.exists()
    assert not ProductFact.objects.exists()
    Product.objects.filter(pk=product.pk).update(active=True)
    assert ProductWord.objects.exists()
    product.delete()
    assert not ProductFact.objects.exists()
