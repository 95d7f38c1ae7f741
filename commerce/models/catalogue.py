"""Products, their variants, and how they relate."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned

CODE_LENGTH = 80  # characters


class Product(TenantOwned):
    """A product as customers know it. What is bought is one of its variants.

    `code` is the shop's own id. `specifications` maps a name to a text or number, in the order they are shown.
    `price` is the lowest of the variants that can be had, of all if none can; it and `available` follow the variants.
    """

    code = models.CharField(max_length=CODE_LENGTH)
    name = models.CharField(max_length=200)
    brand = models.CharField(max_length=80, blank=True)
    category = models.CharField(max_length=80, blank=True)
    description = models.TextField(blank=True)
    specifications = models.JSONField(default=dict, blank=True)
    aliases = models.JSONField(default=list, blank=True, help_text=_("Other names customers use: a list."))
    rating = models.DecimalField(max_digits=2, decimal_places=1, null=True, blank=True)
    reviews = models.PositiveIntegerField(null=True, blank=True)
    warranty_months = models.PositiveSmallIntegerField(null=True, blank=True)
    art = models.CharField(max_length=30, blank=True, help_text=_("The drawing shown for it: laptop, phone …"))
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, editable=False)
    available = models.BooleanField(default=False, editable=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name", "code"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="one_product_per_code")]
        indexes = [
            models.Index(fields=["tenant", "category", "name"], name="products_by_category"),
            models.Index(fields=["tenant", "name"], name="products_by_name"),
            models.Index(fields=["tenant", "price"], name="products_by_price"),
            models.Index(fields=["tenant", "brand"], name="products_by_brand"),
            GinIndex(fields=["specifications"], name="products_by_specification", opclasses=["jsonb_path_ops"]),
            models.Index("tenant", models.F("reviews").desc(nulls_last=True), "name", name="products_by_reviews"),
            models.Index("tenant", models.F("rating").desc(nulls_last=True), "name", name="products_by_rating"),
            models.Index(
                fields=["tenant", "category", "brand"], include=["price", "available", "active"], name="products_facets"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(TenantOwned):
    """What can be bought: a product with its options chosen. `code` is the shop's own item id."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")
    code = models.CharField(max_length=CODE_LENGTH)
    options = models.JSONField(default=dict, blank=True, help_text=_("{“colour”: “black”, “storage”: “256 GB”}"))
    price = models.DecimalField(max_digits=12, decimal_places=2)
    available = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="one_variant_per_code"),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="variant_price_not_negative"),
        ]

    def __str__(self) -> str:
        return ", ".join(str(value) for value in self.options.values()) or self.code


class RelationKind(models.TextChoices):
    """How one product stands to another; all but the first two read from `source` to `target`."""

    COMPATIBLE = "compatible_with", _("Compatible with")
    BOUGHT = "bought_with", _("Often bought with")
    ACCESSORY = "accessory_of", _("Accessory of")
    UPGRADE = "upgrade_of", _("Upgrade of")


class Relation(TenantOwned):
    """A stated relation between two products; those of one category need none."""

    source = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="relations")
    target = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="related_from")
    kind = models.CharField(max_length=20, choices=RelationKind.choices)
    weight = models.FloatField(default=1.0, help_text=_("Stronger relations come first."))

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "target", "kind"], name="one_relation_of_a_kind"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="relation_of_two_products"),
        ]
        indexes = [
            models.Index(fields=["tenant", "target", "kind"], name="relations_to_product"),
            models.Index(
                fields=["tenant", "source", "kind", "-weight"], include=["target"], name="strongest_relations_from"
            ),
            models.Index(
                fields=["tenant", "target", "kind", "-weight"], include=["source"], name="strongest_relations_to"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.get_kind_display()} {self.target}"


class Comparison(models.TextChoices):
    EQUAL = "equal", _("are the same")
    CONTAINS = "contains", _("contains the other's")
    AT_LEAST = "at_least", _("is at least the other's")


class CompatibilityRule(TenantOwned):
    """Products of two categories fit together when their specifications do.

    The `specification` of a product of `category` is compared with the `with_specification` of one of `with_category`;
    numbers are read from the front of a text, so that "65 W" is at least "45 W".
    """

    category = models.CharField(max_length=80)
    specification = models.CharField(max_length=80)
    comparison = models.CharField(max_length=10, choices=Comparison.choices, default=Comparison.EQUAL)
    with_category = models.CharField(max_length=80)
    with_specification = models.CharField(max_length=80)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "category", "specification", "with_category", "with_specification"],
                name="one_rule_for_two_specifications",
            )
        ]

    def __str__(self) -> str:
        return (
            f"{self.category}: {self.specification} {self.get_comparison_display()} "
            f"{self.with_category}: {self.with_specification}"
        )
