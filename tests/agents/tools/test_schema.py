"""Schemas come from signatures and docstrings, and what is missing there is noticed at once."""

from decimal import Decimal
from typing import Literal

import pytest

from agents.models import ToolKind
from agents.tools.registry import built_in
from agents.tools.schema import decimals_of, describe, parameters_of

pytestmark = pytest.mark.unit


def book(
    context,
    day: str,
    people: int,
    kind: Literal["table", "room"],
    price: Decimal | None = None,
    names: list[str] | None = None,
    window: bool = False,
    share: float = 0.5,
):
    """Book something. It is
    kept for a day.

    Only for members.

    Args:
        day: Which day, such as
            '2026-02-10'.
        people: How many.
        kind: What.
        price: At most: all of it.
        names: Who.
        window: At the window?
        share: Of it.

    Returns:
        nothing: that counts.
    """


def test_a_signature_and_a_docstring_are_a_schema():
    assert describe(book) == "Book something. It is kept for a day. Only for members."
    assert parameters_of(book) == {
        "type": "object",
        "properties": {
            "day": {"type": "string", "description": "Which day, such as '2026-02-10'."},
            "people": {"type": "integer", "description": "How many."},
            "kind": {"type": "string", "enum": ["table", "room"], "description": "What."},
            "price": {"type": "number", "description": "At most: all of it."},
            "names": {"type": "array", "items": {"type": "string"}, "description": "Who."},
            "window": {"type": "boolean", "description": "At the window?"},
            "share": {"type": "number", "description": "Of it."},
        },
        "required": ["day", "people", "kind"],
        "additionalProperties": False,
    }
    assert decimals_of(book) == {"price"}


def test_what_a_model_could_not_understand_is_refused():
    def silent(context):
        pass

    def mute(context, day: str):
        """Say something."""

    def odd(context, day: bytes):
        """Say something.

        Args:
            day: Which.
        """

    with pytest.raises(TypeError, match="needs a docstring"):
        describe(silent)
    with pytest.raises(TypeError, match="does not describe day"):
        parameters_of(mute)
    with pytest.raises(TypeError, match="No JSON schema"):
        parameters_of(odd)


RETAIL = {
    "find_user_id_by_email": ["email"],
    "find_user_id_by_name_zip": ["first_name", "last_name", "zip"],
    "get_user_details": ["user_id"],
    "get_order_details": ["order_id"],
    "get_product_details": ["product_id"],
    "get_item_details": ["item_id"],
    "list_all_product_types": [],
    "calculate": ["expression"],
    "cancel_pending_order": ["order_id", "reason"],
    "modify_pending_order_address": ["order_id", "address1", "address2", "city", "state", "country", "zip"],
    "modify_pending_order_items": ["order_id", "item_ids", "new_item_ids", "payment_method_id"],
    "modify_pending_order_payment": ["order_id", "payment_method_id"],
    "modify_user_address": ["user_id", "address1", "address2", "city", "state", "country", "zip"],
    "return_delivered_order_items": ["order_id", "item_ids", "payment_method_id"],
    "exchange_delivered_order_items": ["order_id", "item_ids", "new_item_ids", "payment_method_id"],
    "transfer_to_human_agents": ["summary"],
}


@pytest.mark.parametrize("name", RETAIL)
def test_the_retail_set_has_its_public_names_and_arguments(name):
    known = built_in()[name]
    assert sorted(known.parameters["properties"]) == sorted(RETAIL[name])
    changes = name.startswith(("cancel", "modify", "return", "exchange"))
    assert known.kind == (ToolKind.CHANGE if changes else ToolKind.READ)
    assert known.spec.name == name
    assert known.spec.description
