"""A small catalogue, and processes that remember nothing of the test before."""

import pytest

from agents.routing import intents, shop
from agents.routing.catalogue import Catalogue, NamedProduct

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
def _fresh_process():
    """Nothing is believed of tenants of tests before, whose numbers may come again."""
    intents.forget()
    shop.forget()
