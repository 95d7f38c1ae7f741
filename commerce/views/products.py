"""The product browser, a product, and products side by side."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from commerce import graph
from commerce.cards import in_order
from commerce.forms import TRAY, BrowseForm
from commerce.graph import Comparison, ComparisonRow
from commerce.graph.comparison import RowKind
from commerce.models import Product
from commerce.money import ZERO, format_money
from commerce.queries import ProductPage, search_products, shop_of_tenant
from commerce.queries.catalogue import products_with_variants
from tenants.access import TenantRequest, tenant_view

FITS, SIMILAR = 8, 4  # products shown on another one's page
SHOWN_VALUES = 12  # of a filter; more are found by searching
SORT_LABELS = {
    "": "Best match", "popular": "Most popular", "price": "Lowest price", "-price": "Highest price",
    "rating": "Highest rated", "name": "Name",
}  # fmt: skip
_LABELS = {
    RowKind.PRICE: "Price", RowKind.RATING: "Rating", RowKind.WARRANTY: "Warranty", RowKind.AVAILABLE: "In stock",
}  # fmt: skip
_WRITERS: dict[RowKind, Callable[[Decimal, str], str]] = {
    RowKind.PRICE: format_money,
    RowKind.WARRANTY: lambda months, _: f"{months} months",
    RowKind.AVAILABLE: lambda amount, _: "yes" if amount else "no",
}


@require_GET
@tenant_view()
def products(request: TenantRequest) -> HttpResponse:
    """Products by search and filters; to htmx only what has changed."""
    form = BrowseForm(request.GET)
    search = form.search()
    found = search_products(search)
    picked = _tray(form.tray())
    tray = [product.code for product in picked]
    context = {
        "form": form,
        "search": search,
        "found": found,
        "categories": found.categories[:SHOWN_VALUES],
        "brands": found.brands[:SHOWN_VALUES],
        "sorts": SORT_LABELS,
        "narrowed": _is_narrowed(form, search.in_stock),
        "tray": picked,
        "tray_codes": [product.code for product in picked],
        "without_tray": _query(form, page=found.page, tray=[]),
        "tray_full": len(tray) >= TRAY,
        "pages": _pages(form, found, tray),
        "currency": shop_of_tenant().currency,
        "nothing": ZERO,
        "active": "products",
    }
    if not request.headers.get("HX-Request"):
        return render(request, "commerce/products.html", context)
    response = render(request, "commerce/_found.html", {**context, "partial": True})
    response["HX-Push-Url"] = f"{request.path}?{_query(form, page=found.page, tray=tray)}"
    return response


@require_GET
@tenant_view()
def product(request: TenantRequest, code: str) -> HttpResponse:
    """One product, with what fits it and what is like it; `variant` in the address chooses one of its variants."""
    shown = _find(code)
    variants = list(shown.variants.all())
    wanted = request.GET.get("variant", "")
    offered = [variant for variant in variants if variant.available] or variants
    chosen = next((variant for variant in variants if variant.code == wanted), offered[0] if offered else None)
    context = {
        "product": shown,
        "specifications": in_order(shown.specifications if isinstance(shown.specifications, dict) else {}),
        "variants": variants,
        "chosen": chosen,
        "fits": graph.compatible_with(shown.code, limit=FITS),
        "similar": graph.similar_to(shown.code, limit=SIMILAR),
        "shop": shop_of_tenant(),
        "active": "products",
    }
    return render(request, "commerce/product.html", context)


@require_GET
@tenant_view()
def compare(request: TenantRequest) -> HttpResponse:
    """Two to four products side by side; with fewer the page says what to do."""
    codes = [code.replace("\0", "") for code in request.GET.getlist("p") if code]
    found = graph.compare(list(dict.fromkeys(codes))[:TRAY])
    currency = shop_of_tenant().currency
    context = {
        "comparison": found,
        "columns": _columns(request, found),
        "rows": [_row(row, currency) for row in found.rows],
        "enough": len(found.products) > 1,
        "more": _codes_query([product.code for product in found.products]),
        "active": "products",
    }
    return render(request, "commerce/compare.html", context)


def _find(code: str) -> Product:
    shown = products_with_variants().filter(code=code.replace("\0", "")).first()
    if shown is None:
        raise Http404("No such product")
    return shown


def _columns(request: TenantRequest, found: Comparison) -> list[dict[str, Any]]:
    """Each product with the address of the comparison without it."""
    address = reverse("commerce:compare", args=[request.tenant.slug])
    codes = [product.code for product in found.products]
    return [
        {"product": product, "without": f"{address}?{_codes_query([c for c in codes if c != product.code])}"}
        for product in found.products
    ]


def _row(row: ComparisonRow, currency: str) -> dict[str, Any]:
    """A line of the comparison in words."""
    write = _WRITERS.get(row.kind)
    texts = [
        value if write is None or amount is None else write(amount, currency)
        for value, amount in zip(row.values, row.amounts, strict=True)
    ]
    return {
        "label": _LABELS.get(row.kind, row.name[:1].upper() + row.name[1:]),
        "differs": row.differs,
        "cells": [{"text": text, "best": place in row.best} for place, text in enumerate(texts)],
    }


def _codes_query(codes: list[str]) -> str:
    query = QueryDict(mutable=True)
    query.setlist("p", codes)
    return query.urlencode()


def _is_narrowed(form: BrowseForm, in_stock: bool) -> bool:
    return in_stock or any(form.given.get(name) for name in ("q", "category", "brand", "low", "high"))


def _query(form: BrowseForm, *, page: int | None, tray: list[str]) -> str:
    """The address of what is shown, short: empty fields are left out."""
    query = QueryDict(mutable=True)
    for name in ("q", "category", "brand", "low", "high", "stock", "sort"):
        values = [value for value in form.given.getlist(name) if value]
        if values:
            query.setlist(name, values)
    query.setlist("p", tray)
    if page and page > 1:
        query["page"] = str(page)
    return query.urlencode()


def _tray(codes: list[str]) -> list[Product]:
    """The products to compare, in the order they were chosen."""
    if not codes:
        return []
    known = {product.code: product for product in Product.objects.filter(code__in=codes, active=True)}
    return [known[code] for code in codes if code in known]


def _pages(form: BrowseForm, found: ProductPage, tray: list[str]) -> dict[str, str]:
    """The addresses of the page before and the one after, where there are such."""
    pages = {"before": found.page - 1, "after": found.page + 1}
    return {name: f"?{_query(form, page=page, tray=tray)}" for name, page in pages.items() if 1 <= page <= found.pages}
