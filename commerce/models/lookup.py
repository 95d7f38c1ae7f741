"""What products are found by. PostgreSQL keeps these rows itself, by triggers on the table of products.

They are narrow tables of their own because of the row-level security on products: behind a policy only leakproof
operators may use an index, which those of full text, of JSON and of numeric are not, and those of text and double
precision are.
"""

from django.db import models

from commerce.models.catalogue import Product
from tenants.models import TenantOwned

WORD_LENGTH = 60  # characters of a word that count


class ProductWord(TenantOwned):
    """A word of an active product, folded: no accents, small letters. `weight` is 2 in its names, 1 elsewhere."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="words")
    word = models.CharField(max_length=WORD_LENGTH, db_collation="C")
    weight = models.PositiveSmallIntegerField(default=1)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "word"], include=["product", "weight"], name="words_by_word")]

    def __str__(self) -> str:
        return self.word


class ProductFact(TenantOwned):
    """A specification of an active product, name and value folded; its price is the one without a name.

    `number` is what the value begins with, in its smallest usual unit: "1 TB" and "1000 GB" are the same number.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="facts")
    category = models.CharField(max_length=80)
    name = models.CharField(max_length=80, blank=True)
    value = models.CharField(max_length=200, blank=True, db_collation="C")
    number = models.FloatField(null=True)
    text = models.CharField(max_length=200, blank=True, help_text="The value as it is written.")

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index(
                fields=["tenant", "category", "name", "value"], include=["product", "number"], name="facts_by_value"
            ),
            models.Index(fields=["tenant", "category", "name", "number"], include=["product"], name="facts_by_number"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
