"""Which tools there are: typed functions that say of themselves what they do, and a tenant's own HTTP tools."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from functools import cache, wraps
from importlib import import_module
from typing import Any, TypeVar

from agents.models import HttpTool, ToolKind, ToolSetting
from agents.tools.base import Tool, ToolContext, ToolError
from agents.tools.schema import decimals_of, describe, parameters_of
from commerce.models import Customer, Order, Product
from commerce.services.errors import CommerceError

F = TypeVar("F", bound=Callable[..., Any])

MODULES = (
    "agents.tools.knowledge",
    "agents.tools.handover",
    "agents.tools.arithmetic",
    "agents.tools.retail.finding",
    "agents.tools.retail.records",
    "agents.tools.retail.orders",
    "agents.tools.products",
    "agents.tools.deliveries",
    "agents.tools.care",
)
SHOP = "shop"
"""The tag of tools that only a tenant with products, orders or customers has."""
PROOF = "proof"
"""The tag of tools that find out who the customer is: others that are asked for beside them wait."""
REMEMBERED = 60.0  # seconds for which a tenant that has a shop is taken to have it still

_built_in: dict[str, Tool] = {}
_shops: dict[int, float] = {}


def tool(
    *,
    kind: ToolKind = ToolKind.READ,
    needs_customer: bool = False,
    limit_ms: int = 5000,
    scoped: bool = True,
    tags: Iterable[str] = (SHOP,),
) -> Callable[[F], F]:
    """Make a function a tool under its own name.

    Its first argument is the `ToolContext`, the others are what a model fills: str, int, bool, float, Decimal,
    list[str] or a Literal of texts, optional where they have a default. The docstring tells the model what the
    tool does, its "Args:" section what each argument is.
    """

    def register(function: F) -> F:
        name = function.__name__
        _built_in[name] = Tool(
            name=name,
            description=describe(function),
            kind=kind,
            parameters=parameters_of(function),
            function=_called(function),
            needs_customer=needs_customer,
            limit_ms=limit_ms,
            scoped=scoped,
            tags=frozenset(tags),
        )
        return function

    return register


@cache
def built_in() -> dict[str, Tool]:
    """Return the tools of this code, by name, as they are where no tenant has changed anything."""
    for module in MODULES:
        import_module(module)
    return dict(_built_in)


def tools_of(tenant_id: int) -> list[Tool]:
    """Return the tools that the tenant in scope has switched on, its own HTTP tools last."""
    settings = {setting.name: setting for setting in ToolSetting.objects.all()}
    shop = has_shop(tenant_id)
    chosen = [
        _adjusted(known, settings.get(known.name))
        for known in built_in().values()
        if (shop or SHOP not in known.tags) and (known.name not in settings or settings[known.name].enabled)
    ]
    return chosen + _http_tools(settings)


def find_tool(tenant_id: int, name: str) -> Tool | None:
    """Return the tool of this name if the tenant in scope has it switched on."""
    return next((known for known in tools_of(tenant_id) if known.name == name), None)


def has_shop(tenant_id: int) -> bool:
    """Return whether the tenant in scope has products, orders or customers."""
    if _shops.get(tenant_id, 0) > time.monotonic():
        return True
    if not any(model.objects.exists() for model in (Product, Order, Customer)):
        return False
    _shops[tenant_id] = time.monotonic() + REMEMBERED
    return True


def _http_tools(settings: dict[str, ToolSetting]) -> list[Tool]:
    from agents.tools.http import as_tool

    rows = HttpTool.objects.filter(enabled=True).exclude(name__in=built_in())
    return [_adjusted(as_tool(row), settings.get(row.name)) for row in rows]


def _adjusted(known: Tool, setting: ToolSetting | None) -> Tool:
    if setting is None:
        return known
    return replace(known, limit_ms=setting.limit_ms or known.limit_ms, per_minute=setting.per_minute)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function taking JSON's numbers where it wants decimals, and telling a model what the shop refuses."""
    names = decimals_of(function)

    @wraps(function)
    def called(context: ToolContext, **arguments: Any) -> Any:
        for name in names & arguments.keys():
            arguments[name] = Decimal(str(arguments[name]))
        try:
            return function(context, **arguments)
        except CommerceError as error:
            raise ToolError(str(error), code=error.code) from error

    return called
