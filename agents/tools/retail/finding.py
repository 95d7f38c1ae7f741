"""Finding out who the customer is."""

from agents.identity import prove_by_email, prove_by_name_zip
from agents.tools.base import ToolContext
from agents.tools.registry import PROOF, SHOP, tool


@tool(tags=(SHOP, PROOF))
def find_user_id_by_email(context: ToolContext, email: str) -> str:
    """Find user id by email. Only an e-mail address that the customer wrote in this conversation proves who they are.

    Args:
        email: The email of the user, such as 'something@example.com'.
    """
    return prove_by_email(context, email).code


@tool(tags=(SHOP, PROOF))
def find_user_id_by_name_zip(context: ToolContext, first_name: str, last_name: str, zip: str) -> str:  # noqa: A002 (the public name)
    """Find user id by first name, last name, and zip code, all of which the customer must have written themselves.

    Args:
        first_name: The first name of the customer, such as 'John'.
        last_name: The last name of the customer, such as 'Doe'.
        zip: The zip code of the customer, such as '12345'.
    """
    return prove_by_name_zip(context, first_name, last_name, zip).code
