"""A small catalogue, and processes that remember nothing of the test before."""

import pytest

from agents.routing import fitting, intents, shop
from agents.routing.catalogue import Catalogue, NamedProduct

BUILT_IN = "built-in []"
PRODUCTS = [
    ("SPP-12", "SmartPhone Pro 12", ("Pro 12",)),
    ("SP-11", "SmartPhone 11", ()),
    ("WEP", "Wireless Earbuds Pro", ()),
    ("WE", "Wireless Earbuds", ()),
    ("UB-15", "UltraBook 15", ()),
    ("SON", "Sonora WH-1000XM4 Headphones", ()),
    ("PRO", "Pro", ()),
    ("CASE", "Case", ()),
    ("PC", "Phone Case", ()),
    ("BAG", "Backpack", ()),
    ("BP", "Battery Pack 10000", ("power bank",)),
]


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue(NamedProduct(*product) for product in PRODUCTS)


@pytest.fixture
def _fresh_process(monkeypatch):
    """Nothing is known of tenants of tests before, whose numbers may come again."""
    intents.forget()
    shop.forget()
    forgetful = fitting._Kept()
    if built_in := fitting.kept.get(BUILT_IN):
        forgetful.put(BUILT_IN, built_in)
    monkeypatch.setattr(fitting, "kept", forgetful)
    yield
    if built_in := forgetful.get(BUILT_IN):
        monkeypatch.undo()
        fitting.kept.put(BUILT_IN, built_in)
