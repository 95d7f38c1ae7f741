"""A little shop in the tenant's scope, and its customer Ann."""

import pytest

from commerce.exchange import import_shop
from commerce.models import Customer
from tests.commerce.little_shop import little_shop


@pytest.fixture
def shop(scope):
    import_shop(little_shop(), actor="test")
    return scope


@pytest.fixture
def ann(shop) -> Customer:
    return Customer.objects.get(code="ann_1")


@pytest.fixture
def ben(shop) -> Customer:
    return Customer.objects.get(code="ben_2")
