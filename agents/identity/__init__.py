"""Who is asking: identifiers that the customer typed, a code by e-mail, or a token of the shop's.

All of it runs in the tenant's scope. A refusal is counted and audited in the caller's transaction: whoever calls these
must let that transaction commit when a `ToolError` comes, and not roll it back.
"""

from agents.identity.proofs import prove_by_email, prove_by_name_zip, prove_by_order
from agents.identity.tokens import bind_by_token, read_token

__all__ = ["bind_by_token", "prove_by_email", "prove_by_name_zip", "prove_by_order", "read_token"]
