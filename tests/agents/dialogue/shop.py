"""A small shop: two customers with orders in every state, and products that can be compared, changed and confused."""

VISA, PAYPAL, GIFT = "credit_card_1", "paypal_1", "gift_card_1"
OAK = {"address1": "1 Elm Road", "address2": "", "city": "Dayton", "state": "OH", "country": "USA", "zip": "45402"}


def product(code, name, category, variants, **values):
    rows = {
        item: {"item_id": item, "options": options, "price": price, "available": available}
        for item, options, price, available in variants
    }
    return {"product_id": code, "name": name, "category": category, "variants": rows, **values}


def order(code, status, items, *, user="ann_1", delivered_days_ago=5, expected_in_days=3, paid=VISA, **values):
    total = round(sum(price for *_, price in items), 2)
    states = {"processed": "in_transit", "delivered": "delivered"}
    record = {
        "order_id": code,
        "user_id": user,
        "status": status,
        "placed_days_ago": 9,
        "expected_in_days": expected_in_days,
        "address": OAK,
        "items": [
            {"name": name, "product_id": product_id, "item_id": item, "price": price, "options": options}
            for product_id, item, name, options, price in items
        ],
        "fulfillments": [],
        "payment_history": [{"transaction_type": "payment", "amount": total, "payment_method_id": paid}],
        **values,
    }
    if status in states:
        events = [{"days_ago": 8.0, "status": "packed", "place": "Columbus, OH", "text": "Packed"}]
        days = delivered_days_ago if status == "delivered" else 1.0
        events.append({"days_ago": days, "status": states[status], "place": "Toledo, OH", "text": "On the way"})
        items_of = [item for _, item, *_ in items]
        record["fulfillments"] = [{"tracking_id": [f"77{code[-4:]}"], "item_ids": items_of}]
        record["deliveries"] = [
            {
                "tracking_id": f"77{code[-4:]}",
                "carrier": "Lake Parcel",
                "status": states[status],
                "items": items_of,
                "events": events,
            }
        ]
    return record


PHONE = ("PH", "PH-BLACK", "Nova Phone", {"colour": "black", "storage": "128 GB"}, 500.00)
BUDS = ("EB", "EB-WHITE", "Echo Earbuds", {"colour": "white"}, 80.00)
LAPTOP = ("LP", "LP-16", "Atlas Laptop", {"memory": "16 GB"}, 900.00)
LAMP = ("LM", "LM-1", "Desk Lamp", {"colour": "red"}, 40.00)

PRODUCTS = [
    product(
        "PH", "Nova Phone", "Phones",
        [
            ("PH-BLACK", {"colour": "black", "storage": "128 GB"}, 500.00, True),
            ("PH-WHITE", {"colour": "white", "storage": "128 GB"}, 500.00, True),
            ("PH-BLACK-256", {"colour": "black", "storage": "256 GB"}, 560.00, True),
            ("PH-RED", {"colour": "red", "storage": "128 GB"}, 500.00, False),
        ],
        brand="Nova", aliases=["Nova"], rating=4.4, reviews=120, warranty_months=24,
        specifications={"Battery life": "20 hours", "Weight": "180 g", "Memory": "8 GB", "Display": "6.1 inch"},
        description="A phone for every day.",
    ),
    product(
        "PM", "Nova Phone Mini", "Phones", [("PM-1", {"colour": "black"}, 350.00, False)],
        brand="Nova", rating=4.0, warranty_months=6,
        specifications={"Battery life": "14 hours", "Weight": "140 g", "Memory": "6 GB", "Display": "5.4 inch"},
    ),
    product(
        "EB", "Echo Earbuds", "Audio",
        [("EB-WHITE", {"colour": "white"}, 80.00, True), ("EB-BLACK", {"colour": "black"}, 80.00, True)],
        aliases=["earbuds"], warranty_months=12, specifications={"Battery life": "8 hours", "Weight": "5 g"},
    ),
    product(
        "LP", "Atlas Laptop", "Laptops",
        [("LP-16", {"memory": "16 GB"}, 900.00, True), ("LP-32", {"memory": "32 GB"}, 1100.00, True)],
        aliases=["Atlas"], warranty_months=36,
        specifications={"Battery life": "11 hours", "Weight": "1.3 kg", "Memory": "16 GB", "Ports": "2 x USB-C, HDMI"},
    ),
    product(
        "LB", "Basic Laptop", "Laptops", [("LB-8", {"memory": "8 GB"}, 450.00, True)],
        specifications={"Battery life": "7 hours", "Weight": "1.9 kg", "Memory": "8 GB"},
    ),
    product("LM", "Desk Lamp", "Lamps", [("LM-1", {"colour": "red"}, 40.00, True)], specifications={"Power": "7 W"}),
    product("CS", "Nova Case", "Cases", [("CS-1", {"colour": "clear"}, 20.00, True)], specifications={"Fits": "Nova"}),
    product(
        "EV", "[x](http://evil.example) <img src=x>", "Oddities", [("EV-1", {"kind": "*bold*"}, 5.00, True)],
        aliases=["evil thing"], specifications={"Weight": "1 kg"},
    ),
]  # fmt: skip

ORDERS = [
    order("ORD-2001", "pending", [PHONE, BUDS]),
    order("ORD-2002", "processed", [LAPTOP]),
    order("ORD-2003", "delivered", [PHONE, BUDS]),
    order("ORD-2004", "delivered", [LAMP], delivered_days_ago=60, expected_in_days=-62),
    order("ORD-2005", "cancelled", [LAMP], expected_in_days=-2, cancel_reason="no longer needed"),
    order("ORD-2006", "pending", [LAMP]),
    order("ORD-3001", "pending", [LAPTOP], user="bob_1", paid="credit_card_2"),
]

USERS = [
    {
        "user_id": "ann_1",
        "name": {"first_name": "Ann", "last_name": "Lee"},
        "address": OAK,
        "email": "ann@mail.example",
        "payment_methods": {
            VISA: {"source": "credit_card", "id": VISA, "brand": "visa", "last_four": "1111"},
            PAYPAL: {"source": "paypal", "id": PAYPAL},
            GIFT: {"source": "gift_card", "id": GIFT, "balance": 30.00},
        },
        "orders": [row["order_id"] for row in ORDERS if row["user_id"] == "ann_1"],
    },
    {
        "user_id": "bob_1",
        "name": {"first_name": "Bob", "last_name": "Stone"},
        "address": {**OAK, "zip": "10001"},
        "email": "bob@mail.example",
        "payment_methods": {
            "credit_card_2": {"source": "credit_card", "id": "credit_card_2", "brand": "amex", "last_four": "2222"}
        },
        "orders": ["ORD-3001"],
    },
]

SHOP = {
    "currency": "USD",
    "return_days": 30,
    "products": {row["product_id"]: row for row in PRODUCTS},
    "relations": [
        {"from": "CS", "to": "PH", "kind": "accessory_of"},
        {"from": "PH", "to": "PM", "kind": "upgrade_of"},
        {"from": "EB", "to": "PH", "kind": "bought_with"},
    ],
    "users": {row["user_id"]: row for row in USERS},
    "orders": {row["order_id"]: row for row in ORDERS},
    "complaints": [
        {
            "complaint_id": "CMP-1001", "user_id": "ann_1", "order_id": "ORD-2004", "kind": "late", "text": "Too late.",
            "severity": "medium", "status": "resolved", "resolution": "Sorry, we gave $5 back.", "created_days_ago": 30,
        }
    ],
    "refunds": [
        {
            "refund_id": "RFD-1001", "order_id": "ORD-2004", "amount": 5.00, "reason": "late", "status": "paid",
            "payment_method_id": VISA, "created_days_ago": 30,
        }
    ],
}  # fmt: skip
