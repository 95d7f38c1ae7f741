"""Products with their variants and relations, rules of compatibility, and what holds for the whole shop."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from commerce.admin.base import LinesField, OwnForm, PairsField, RowsInline
from commerce.admin.files import FilesAdmin
from commerce.models import CompatibilityRule, Product, Relation, Shop, Variant
from commerce.patterns import check_patterns
from commerce.services.catalogue import current_shop, follow_variants
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role
from tenants.services import record_audit

Deleted = tuple[list[str], dict[str, int], set[str], list[str]]  # what Django's pages of confirmation show


class ProductForm(OwnForm):
    """A product; pairs and lists are written one a line."""

    specifications = PairsField()
    aliases = LinesField(label="Other names", help_text="Names that customers use for it, one a line.")


class VariantForm(OwnForm):
    """A variant; its options are written one a line."""

    options = PairsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["options"].widget.attrs["rows"] = 2


class VariantInline(RowsInline):
    roles = (Role.CURATOR,)
    model = Variant
    form = VariantForm
    fields = ("code", "options", "price", "available", "position")


class RelationInline(RowsInline):
    roles = (Role.CURATOR,)
    model = Relation
    fk_name = "source"
    fields = ("kind", "target", "weight")
    autocomplete_fields = ("target",)


@admin.register(Product)
class ProductAdmin(FilesAdmin):
    """The catalogue. Prices stand at the variants; the product shows the lowest."""

    roles = (Role.CURATOR,)
    table = "products"
    form = ProductForm
    list_display = ("name", "code", "brand", "category", "price", "available", "active")
    list_filter = ("category", "brand", "available", "active")
    search_fields = ("name", "code", "brand", "category")
    search_help_text = "Name, id, brand or category"
    add_label = "Add a product"
    empty_hint = "The agent answers questions about products from here. Add them one by one, or import a file."
    inlines = (VariantInline, RelationInline)
    fieldsets = (
        (None, {"fields": ("name", "code", ("brand", "category"), "description", "active")}),
        ("Details", {"fields": ("specifications", "aliases", ("warranty_months", "rating", "reviews"), "art")}),
    )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        follow_variants([form.instance])
        action = "product.edited" if change else "product.added"
        record_audit(actor=actor(request), action=action, target=form.instance.code)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        self.delete_queryset(request, Product.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        for code in queryset.values_list("code", flat=True):
            record_audit(actor=actor(request), action="product.deleted", target=code)
        queryset.delete()
        follow_variants([])

    def get_deleted_objects(self, objs: Iterable[Product], request: HttpRequest) -> Deleted:  # noqa: ARG002 (Django's signature)
        names = [str(product) for product in objs]
        return names, {"products": len(names)}, set(), []


@admin.register(CompatibilityRule)
class RuleAdmin(TenantModelAdmin):
    """Which specifications make products fit together."""

    roles = (Role.CURATOR,)
    form = OwnForm
    heading = "Compatibility rules"
    list_display = ("category", "specification", "comparison", "with_category", "with_specification")
    list_filter = ("category", "with_category")
    add_label = "Add a rule"
    empty_hint = "A rule says when products of two categories fit: their specifications are the same, or one contains "
    empty_hint += "or is at least the other's."

    def save_model(self, request: HttpRequest, obj: CompatibilityRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        record_audit(actor=actor(request), action="rule.edited" if change else "rule.added", target=str(obj))
        follow_variants([])

    def delete_model(self, request: HttpRequest, obj: CompatibilityRule) -> None:
        self.delete_queryset(request, CompatibilityRule.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CompatibilityRule]) -> None:
        for rule in queryset:
            record_audit(actor=actor(request), action="rule.deleted", target=str(rule))
        queryset.delete()
        follow_variants([])

    def get_deleted_objects(self, objs: Iterable[CompatibilityRule], request: HttpRequest) -> Deleted:  # noqa: ARG002 (Django's signature)
        names = [str(rule) for rule in objs]
        return names, {"rules": len(names)}, set(), []


class ShopForm(OwnForm):
    """What holds for the whole shop."""

    order_patterns = LinesField(help_text="Regular expressions of order numbers beside the usual, one a line: SO\\d{6}")

    def clean_order_patterns(self) -> list[str]:
        patterns: list[str] = self.cleaned_data["order_patterns"]
        if problems := check_patterns(patterns):
            raise ValidationError(problems)
        return patterns


@admin.register(Shop)
class ShopAdmin(TenantModelAdmin):
    """The one row of the tenant's shop: its list leads straight to it."""

    roles = (Role.CURATOR,)
    form = ShopForm
    fields = ("currency", "return_days", "order_patterns")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            response: HttpResponse = super().changelist_view(request, extra_context)
            return response
        return HttpResponseRedirect(reverse("admin:commerce_shop_change", args=[current_shop().pk]))

    def save_model(self, request: HttpRequest, obj: Shop, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        record_audit(actor=actor(request), action="shop.edited", target=str(obj), detail={"fields": form.changed_data})
