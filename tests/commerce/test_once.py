"""A change under a key is made once: again, by eight threads, and after a failure."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, transaction

from commerce.exchange import export_shop, import_shop
from commerce.models import Customer, Operation, Order, PaymentMethod
from commerce.services.care import file_complaint
from commerce.services.errors import CommerceError
from commerce.services.orders import cancel_order, change_order_items
from tenants.scope import tenant_scope
from tests.commerce.little_shop import little_shop

THREADS = 8


@pytest.mark.django_db
def test_a_key_gives_back_what_was_done(ann):
    arguments = {
        "customer": ann,
        "order_code": "#W1",
        "item_codes": ["D-OAK"],
        "new_item_codes": ["D-PINE"],
        "method_code": "gift_1",
        "actor": "ann",
        "key": "k",
    }
    first = change_order_items(**arguments)
    assert change_order_items(**arguments) == first
    assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("60.25")
    assert Operation.objects.count() == 1


@pytest.mark.django_db
def test_a_key_is_for_one_change_of_one_customer(ann, ben):
    cancel_order(customer=ann, order_code="#W1", reason="no longer needed", actor="ann", key="k")
    with pytest.raises(CommerceError, match="another change"):
        cancel_order(customer=ben, order_code="#W9", reason="no longer needed", actor="ben", key="k")
    with pytest.raises(CommerceError, match="another change"):
        file_complaint(customer=ann, text="Too slow", actor="ann", key="k")
    with pytest.raises(CommerceError, match="200 characters"):
        file_complaint(customer=ann, text="Too slow", actor="ann", key="k" * 201)
    assert Order.objects.get(code="#W9").status == "pending"


@pytest.mark.django_db
def test_a_failure_leaves_its_key_free(ann):
    with pytest.raises(CommerceError):
        cancel_order(customer=ann, order_code="#W1", reason="bored", actor="ann", key="k")
    change = cancel_order(customer=ann, order_code="#W1", reason="no longer needed", actor="ann", key="k")
    assert change.result["status"] == "cancelled"


@pytest.mark.django_db
def test_a_change_can_be_tried_and_taken_back(ann):
    with transaction.atomic():
        change = cancel_order(customer=ann, order_code="#W4", reason="no longer needed", actor="ann", key="k")
        transaction.set_rollback(True)
    assert change.balances == {"gift_1": Decimal("30.25")}
    assert export_shop() == little_shop()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keys", [["k"] * THREADS, [f"k{n}" for n in range(THREADS)]])
def test_eight_at_once_make_one_change(tenant, keys):
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
    start = threading.Barrier(THREADS)

    def confirm(key):
        try:
            start.wait(10)
            with tenant_scope(tenant.pk):
                ann = Customer.objects.get(code="ann_1")
                cancel_order(customer=ann, order_code="#W4", reason="no longer needed", actor="ann", key=key)
        except CommerceError as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = sorted(pool.map(confirm, keys))
    same = len(set(keys)) == 1
    assert outcomes == (["done"] * THREADS if same else ["done"] + ["wrong_status"] * (THREADS - 1))
    with tenant_scope(tenant.pk):
        assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("30.25")
        assert Order.objects.get(code="#W4").payments.count() == 2
        assert Operation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_complaints_filed_at_once_have_numbers_of_their_own(tenant):
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")

    def complain(_):
        try:
            with tenant_scope(tenant.pk):
                ann = Customer.objects.get(code="ann_1")
                return file_complaint(customer=ann, text="Nobody answers.", actor="ann").detail["code"]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        codes = sorted(pool.map(complain, range(THREADS)))
    assert codes == [f"CMP-{1001 + n}" for n in range(THREADS)]
