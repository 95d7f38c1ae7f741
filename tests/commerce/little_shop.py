"""A shop small enough to reckon by hand: Ann's orders are in every state, Ben is somebody else."""

from typing import Any

HOME = {
    "address1": "1 Elm Street",
    "address2": "",
    "city": "Springfield",
    "country": "USA",
    "state": "IL",
    "zip": "62701",
}
RED = ("L-RED", "Lamp", "P-LAMP", 20.00, {"colour": "red"})
OAK = ("D-OAK", "Desk", "P-DESK", 300.00, {"wood": "oak"})


def little_shop() -> dict[str, Any]:
    """The whole of it, in the form of an export."""
    return {
        "products": {
            "P-LAMP": product(
                "P-LAMP",
                "Lamp",
                {"L-RED": (20.00, True), "L-BLUE": (25.50, True), "L-GREEN": (19.99, False), "L-GOLD": (200.00, True)},
            ),
            "P-DESK": product("P-DESK", "Desk", {"D-OAK": (300.00, True), "D-PINE": (250.00, True)}),
        },
        "users": {
            "ann_1": user(
                "ann_1",
                ("Ann", "Archer"),
                {
                    "card_1": {"source": "credit_card", "id": "card_1", "brand": "visa", "last_four": "4242"},
                    "gift_1": {"source": "gift_card", "id": "gift_1", "balance": 10.25},
                    "paypal_1": {"source": "paypal", "id": "paypal_1"},
                },
                ["#W1", "#W2", "ORD-1003", "#W4", "#W5"],
            ),
            "ben_2": user(
                "ben_2",
                ("Ben", "Baker"),
                {"card_2": {"source": "credit_card", "id": "card_2", "brand": "visa", "last_four": "1111"}},
                ["#W9"],
            ),
        },
        "orders": {
            "#W1": order("#W1", "ann_1", "pending", [RED, RED, OAK], [("payment", 340.00, "card_1")]),
            "#W2": order("#W2", "ann_1", "delivered", [RED, RED, OAK], [("payment", 340.00, "card_1")]),
            "ORD-1003": order("ORD-1003", "ann_1", "processed", [OAK], [("payment", 300.00, "card_1")]),
            "#W4": order("#W4", "ann_1", "pending", [RED], [("payment", 20.00, "gift_1")]),
            "#W5": order(
                "#W5",
                "ann_1",
                "cancelled",
                [OAK],
                [("payment", 300.00, "card_1"), ("refund", 300.00, "card_1")],
            )
            | {"cancel_reason": "no longer needed"},
            "#W9": order("#W9", "ben_2", "pending", [RED], [("payment", 20.00, "card_2")]),
        },
    }


def product(code: str, name: str, variants: dict[str, tuple[float, bool]]) -> dict[str, Any]:
    return {
        "name": name,
        "product_id": code,
        "variants": {
            item: {"item_id": item, "options": {"kind": item[2:].lower()}, "available": available, "price": price}
            for item, (price, available) in variants.items()
        },
    }


def user(code: str, names: tuple[str, str], methods: dict[str, Any], orders: list[str]) -> dict[str, Any]:
    first, last = names
    return {
        "user_id": code,
        "name": {"first_name": first, "last_name": last},
        "address": dict(HOME),
        "email": f"{first}.{last}@example.com",
        "payment_methods": methods,
        "orders": orders,
    }


def order(code: str, owner: str, status: str, items: list[Any], payments: list[Any]) -> dict[str, Any]:
    return {
        "order_id": code,
        "user_id": owner,
        "address": dict(HOME),
        "items": [
            {"name": name, "product_id": own, "item_id": item, "price": price, "options": options}
            for item, name, own, price, options in items
        ],
        "status": status,
        "fulfillments": [{"tracking_id": [f"T{code}"], "item_ids": [item[0] for item in items]}]
        if status in ("processed", "delivered")
        else [],
        "payment_history": [
            {"transaction_type": kind, "amount": amount, "payment_method_id": method}
            for kind, amount, method in payments
        ],
    }
