"""Which language models a tenant's replies come from, when which, and how their providers are doing."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned


class ModelRole(models.TextChoices):
    """What a model is for. Fallbacks are asked in their order when the model before them fails."""

    PRIMARY = "primary", _("Primary: answers")
    STRONG = "strong", _("Strong: answers what is hard or long")
    FALLBACK = "fallback", _("Fallback: asked when the others fail")


class LanguageModel(TenantOwned):
    """A model behind an address and a key; a tenant without active rows uses those of the environment.

    Prices are US dollars per million tokens; empty is unknown, which counts as nothing and is said on the cost page.
    """

    role = models.CharField(max_length=10, choices=ModelRole.choices, default=ModelRole.PRIMARY)
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Fallbacks are asked in this order."))
    base_url = models.CharField(
        _("address"), max_length=500, blank=True, help_text=_("https://api.example.com/v1; empty: OpenAI's own.")
    )
    model = models.CharField(max_length=200, help_text=_("The name that the provider knows it by."))
    sealed_key = models.TextField(_("key"), blank=True, editable=False)
    input_price = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text=_("US dollars per million tokens read; empty: unknown."),
    )  # fmt: skip
    output_price = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text=_("US dollars per million tokens written; empty: unknown."),
    )  # fmt: skip
    describes_pictures = models.BooleanField(
        default=False,
        help_text=_("Writes captions for the pictures in documents; only for a model that takes pictures."),
    )
    active = models.BooleanField(default=True)
    private = models.BooleanField(default=False, editable=False)
    """An operator named the address, which may lie inside the network; others reach public addresses alone."""

    class Meta(TenantOwned.Meta):
        ordering = ["role", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.model}"


class ProviderHealth(models.Model):
    """The circuit breaker of one address, model and key, shared by all processes and tenants that use them.

    Closed while `opened_at` is empty; open until `open_until`; half open afterwards, while one probe at a time holds
    the lease until `probe_until`.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    open_until = models.DateTimeField(null=True, blank=True)
    probe = models.UUIDField(null=True, blank=True)
    probe_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key[:12]


class RoutingRule(TenantOwned):
    """Which turns go to the strong model: the first rule that fits decides; all of its conditions must hold.

    Empty conditions hold always.
    """

    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=120)
    intents = models.JSONField(default=list, blank=True, help_text=_("Any of these intents, as a list."))
    languages = models.JSONField(default=list, blank=True, help_text=_("Any of these languages: [“de”, “fr”]."))
    min_characters = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The question has at least as many characters.")
    )
    min_messages = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("At least as many messages came before it.")
    )
    min_tools = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("At least as many tools were called in the conversation.")
    )
    failed_before = models.BooleanField(
        default=False, help_text=_("The reply before failed, did not know, or was rated badly.")
    )
    strong = models.BooleanField(default=True, help_text=_("Unticked: such turns stay with the primary model."))
    active = models.BooleanField(default=True)

    class Meta(TenantOwned.Meta):
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name
