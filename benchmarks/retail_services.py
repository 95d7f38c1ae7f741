"""Imports a shop, exports it again, and replays the calls of its tasks through the services; compares each result.

    python -m benchmarks.retail_services [--data ../shared/data/retail] [--work FOLDER]

The folder holds db.json, tasks.json and expected.json. Bars: the export is the same JSON value as the import; the users
and orders after each task are those expected, all tasks of all; the import takes at most 15 s.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMPORT_BAR = 15.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "retail")
    parser.add_argument("--work", type=Path, help="keeps the database here")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-retail-")))
        os.environ |= {"ASKWELL_DATA": str(work), "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = measure(
            *(json.loads((options.data / f"{name}.json").read_text()) for name in ("db", "tasks", "expected"))
        )
    sys.exit(0 if met else 1)


def measure(db: dict[str, Any], tasks: list[dict[str, Any]], expected: dict[str, Any]) -> bool:
    from commerce.exchange import export_shop, import_shop
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from tenants.services import create_tenant

    tenant = Tenant.objects.filter(slug="retail").first() or create_tenant(slug="retail")
    with tenant_scope(tenant.pk):
        started = time.monotonic()
        imported = import_shop(db, actor="benchmark")
        seconds = time.monotonic() - started
        started = time.monotonic()
        exported = export_shop()
        print(f"import {seconds:.1f} s, export {time.monotonic() - started:.1f} s: {imported.counts}")
        print(f"warnings: {len(imported.warnings)}")
        same = exported == db
        print(f"the export is {'' if same else 'NOT '}the same JSON value")
        started = time.monotonic()
        passed = [replay(db, task, expected) for task in tasks]
    print(f"{sum(passed)}/{len(passed)} tasks as expected, in {time.monotonic() - started:.1f} s")
    return same and all(passed) and seconds <= IMPORT_BAR


def replay(db: dict[str, Any], task: dict[str, Any], expected: dict[str, Any]) -> bool:
    """One task, in a savepoint that is rolled back."""
    from django.db import transaction

    number = str(task["id"])
    with transaction.atomic():
        for action in task["evaluation_criteria"]["actions"]:
            call(db, action["name"], action["arguments"])
        found = changes(db, expected[number])
        transaction.set_rollback(True)
    wrong = list(differences(expected[number], found))
    for line in wrong:
        print(f"task {number}: {line}")
    return not wrong


def call(db: dict[str, Any], name: str, arguments: dict[str, Any]) -> None:
    from commerce.models import Customer
    from commerce.services import customers, orders, payments, returns
    from commerce.services.errors import CommerceError

    services = {
        "cancel_pending_order": orders.cancel_order,
        "modify_pending_order_address": orders.change_order_address,
        "modify_pending_order_items": orders.change_order_items,
        "modify_pending_order_payment": payments.change_order_payment,
        "return_delivered_order_items": returns.return_items,
        "exchange_delivered_order_items": returns.exchange_items,
        "modify_user_address": customers.change_customer_address,
    }
    names = {
        "order_id": "order_code",
        "item_ids": "item_codes",
        "new_item_ids": "new_item_codes",
        "payment_method_id": "method_code",
    }
    if name not in services:
        return
    values = {names.get(key, key): value for key, value in arguments.items()}
    user = values.pop("user_id", None) or db["orders"][arguments["order_id"]]["user_id"]
    with contextlib.suppress(CommerceError):  # such a call changes nothing
        services[name](customer=Customer.objects.get(code=user), actor="benchmark", **values)


def changes(db: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The users and orders that are not as in the data, among those of the customers that the task may be about."""
    from commerce.exchange import export_shop

    if not expected["orders"] and not expected["users"]:
        return differing(db, export_shop())  # nothing may have changed anywhere
    from commerce.models import Customer, Order
    from commerce.records import by_code, customer_record, order_record, whole_orders

    users = {*expected["users"], *(order["user_id"] for order in expected["orders"].values())}
    orders = whole_orders(Order.objects.filter(customer__code__in=users))
    now = {
        "users": by_code(map(customer_record, Customer.objects.filter(code__in=users)), "user_id"),
        "orders": by_code(map(order_record, orders), "order_id"),
    }
    return differing(db, now)


def differing(db: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    kinds = ("users", "orders")
    return {kind: {key: row for key, row in now[kind].items() if row != db[kind][key]} for kind in kinds}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for kind in ("users", "orders"):
        for key in {*expected[kind], *found[kind]}:
            left, right = expected[kind].get(key), found[kind].get(key)
            if left != right:
                yield f"{key}: expected {json.dumps(left)}\n    found {json.dumps(right)}"


if __name__ == "__main__":
    main()
