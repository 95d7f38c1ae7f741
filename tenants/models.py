"""Tenants, who belongs to them, their keys, and what was done in them."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.scope import current_tenant_id

#: First parts of paths that belong to the product itself.
RESERVED_SLUGS = frozenset({"accounts", "admin", "api", "healthz", "metrics", "static", "files", "ws", "askwell"})
HUE_OF_ASKWELL, CHROMA_OF_ASKWELL = 186, 0.078
#: The tiers that every installation has: name, turns an hour of one customer, and of one address; None is any number.
TIERS: dict[str, tuple[str, int | None, int | None]] = {
    "free": ("Free", 100, 500),
    "pro": ("Pro", 1000, 500),
    "unlimited": ("Unlimited", None, None),
}
FIRST_TIER = "pro"  # of a new tenant


def _not_reserved(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise ValidationError(
            _("“%(slug)s” is used by Askwell itself: choose another name for the address."), params={"slug": slug}
        )


class RateTier(models.Model):
    """How many turns customers of a tenant may take: operators set it, for any number of tenants.

    A turn is a message to the assistant or a reply asked for again. Both numbers hold in each tenant by itself: what
    one tenant's customers do neither uses up another's turns nor shows there.
    """

    slug = models.SlugField(_("code"), max_length=40, primary_key=True)
    name = models.CharField(max_length=80)
    turns_per_hour = models.PositiveIntegerField(
        _("turns an hour"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of one customer; empty: any number."),
    )
    address_turns_per_hour = models.PositiveIntegerField(
        _("turns an hour from one address"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of everybody who comes from one network address; empty: any number."),
    )

    class Meta:
        ordering = ["turns_per_hour", "slug"]

    def __str__(self) -> str:
        return str(
            _("%(name)s: %(turns)s turns an hour a customer, %(address)s an address")
            % {
                "name": self.name,
                "turns": _figure(self.turns_per_hour),
                "address": _figure(self.address_turns_per_hour),
            }
        )


def _figure(limit: int | None) -> str:
    return str(_("unlimited")) if limit is None else f"{limit:,}"


class Tenant(models.Model):
    """An organisation that answers its customers with Askwell, at /<slug>/ and at its host name if it has one."""

    slug = models.CharField(
        _("address"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", _("Use small letters, digits and hyphens.")),
            _not_reserved,
        ],
        help_text=_("The first part of its address: /techpro/"),
    )
    name = models.CharField(max_length=120)
    assistant_name = models.CharField(
        max_length=80, blank=True, help_text=_("What customers see as the sender of replies.")
    )
    language = models.CharField(
        max_length=12, default="en", help_text=_("The language most of its documents are in: en, es, de …")
    )
    host = models.CharField(
        _("host name"),
        max_length=253,
        unique=True,
        null=True,
        blank=True,
        help_text=_("Optional: a host name of its own, such as help.example.com"),
    )
    greeting = models.CharField(
        max_length=200, blank=True, help_text=_("The first line of an empty chat; empty: “What can we help with?”")
    )
    suggestions = models.JSONField(
        default=list, blank=True, help_text=_("Offered to begin with: a list of {title, detail, question}.")
    )
    hue = models.PositiveSmallIntegerField(
        default=HUE_OF_ASKWELL,
        validators=[MaxValueValidator(359)],
        help_text=_("The colour of buttons and links, 0 to 359: 25 is red, 145 green, 186 teal, 260 blue."),
    )
    chroma = models.FloatField(
        _("strength"),
        default=CHROMA_OF_ASKWELL,
        validators=[MinValueValidator(0), MaxValueValidator(0.1)],
        help_text=_("How strong the colour is: 0 (grey) to 0.1."),
    )
    tier = models.ForeignKey(
        RateTier,
        on_delete=models.PROTECT,
        default=FIRST_TIER,
        related_name="tenants",
        help_text=_("How many turns its customers may take."),
    )
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.host = (self.host or "").strip().lower() or None
        if not all(
            isinstance(offer, dict) and offer.get("title") and offer.get("question") for offer in self.suggestions
        ):
            raise ValidationError({"suggestions": _("Write a list of {“title”: …, “detail”: …, “question”: …}.")})

    @property
    def speaker(self) -> str:
        """Who replies, as customers see it."""
        return self.assistant_name or f"{self.name} assistant"


class TenantQuerySet(models.QuerySet[Any]):
    """A query set whose new rows belong to the tenant in scope."""

    def create(self, **values: Any) -> Any:
        if "tenant" not in values:
            values.setdefault("tenant_id", current_tenant_id())
        return super().create(**values)


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc] # a class made by a call
    """Rows of the tenant in scope; raises NoTenantScope outside of one."""

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset()
        return rows.filter(tenant_id=current_tenant_id())


class TenantOwned(models.Model):
    """A row that belongs to one tenant. Its table's migration must hold EnableTenantPolicy; a test looks."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", editable=False)

    objects: ClassVar[TenantManager] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.tenant_id = self.tenant_id or current_tenant_id()
        super().save(*args, **kwargs)


class HotTenantOwned(TenantOwned):
    """A row of a table that every turn reads or writes: the tenant has no index of its own, others begin with it.

    Each index costs every write, and a database that has not counted the table's rows yet took that one, reading all
    of the tenant's rows for a single one.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", editable=False, db_index=False)

    class Meta(TenantOwned.Meta):
        abstract = True


class Role(models.TextChoices):
    """What a member may do: owners all, curators knowledge, reviewers replies, agents hand-overs, customers chat."""

    OWNER = "owner", _("Owner")
    CURATOR = "curator", _("Curator")
    REVIEWER = "reviewer", _("Reviewer")
    AGENT = "agent", _("Agent")
    CUSTOMER = "customer", _("Customer")


#: Roles of people who work for the tenant.
STAFF = (Role.OWNER, Role.CURATOR, Role.REVIEWER, Role.AGENT)


class Membership(TenantOwned):
    """A user's role in a tenant; one user may have several."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(_("member since"), auto_now_add=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("member")
        constraints = [models.UniqueConstraint(fields=["tenant", "user", "role"], name="one_membership_per_role")]
        ordering = ["user_id", "role"]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    @classmethod
    def of_user(cls, user_id: int) -> models.QuerySet[Self]:
        """Memberships of one user across tenants; needs `user_scope`."""
        return models.QuerySet(cls).filter(user_id=user_id)


class ApiKey(TenantOwned):
    """A key for programs. Only its SHA-256 is kept; the key itself is shown once."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("API key")
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="one_key_per_digest")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEvent(TenantOwned):
    """Who did what, when, on what. Append-only: a trigger refuses changes and deletions."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.CharField(_("who"), max_length=200, help_text=_("A user's name, a visitor, a key or a command."))
    action = models.CharField(_("what"), max_length=80)
    target = models.CharField(_("on what"), max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("event")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["tenant", "-at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}: {self.action} {self.target}".strip()
