"""Which tools a tenant has, and what became of their calls."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantOwned
from tenants.secrets import seal, unseal

NAME_LENGTH = 60  # characters


class ToolSetting(TenantOwned):
    """What differs from a built-in tool's defaults in a tenant."""

    name = models.CharField(max_length=NAME_LENGTH)
    enabled = models.BooleanField(default=True)
    limit_ms = models.PositiveIntegerField(
        _("time limit"), null=True, blank=True, help_text=_("Milliseconds; empty: the tool's own.")
    )
    per_minute = models.PositiveIntegerField(
        _("calls a minute"), null=True, blank=True, help_text=_("In the whole tenant; empty: any number.")
    )

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="one_setting_per_tool")]

    def __str__(self) -> str:
        return self.name


class ToolKind(models.TextChoices):
    READ = "read", _("Reads")
    CHANGE = "change", _("Changes something: the customer must confirm")


class HttpMethod(models.TextChoices):
    GET = "GET", "GET"
    POST = "POST", "POST"
    PUT = "PUT", "PUT"
    PATCH = "PATCH", "PATCH"
    DELETE = "DELETE", "DELETE"


class HttpTool(TenantOwned):
    """A tool made of an HTTP request. `arguments` is a list of {name, type, description, required, where}."""

    name = models.SlugField(max_length=NAME_LENGTH)
    description = models.TextField(help_text=_("What it does and when to use it, for the language model."))
    kind = models.CharField(max_length=10, choices=ToolKind.choices, default=ToolKind.READ)
    method = models.CharField(max_length=6, choices=HttpMethod.choices, default=HttpMethod.GET)
    url = models.CharField(max_length=500, help_text=_("https://shop.example/stock/{item}"))
    arguments = models.JSONField(default=list, blank=True)
    headers = models.JSONField(default=dict, blank=True, help_text=_("{secret} stands for the secret."))
    sealed_secret = models.TextField(blank=True, editable=False)
    summary = models.CharField(
        max_length=300, blank=True, help_text=_("What the customer confirms: “Book a fitting on {day}”.")
    )
    needs_customer = models.BooleanField(default=False, help_text=_("Only for customers who have proved who they are."))
    limit_ms = models.PositiveIntegerField(_("time limit"), default=5000, help_text=_("Milliseconds."))
    enabled = models.BooleanField(default=True)

    class Meta(TenantOwned.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="one_http_tool_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """What stands for {secret}; UnreadableError when it was kept under another SECRET_KEY."""
        return unseal(self.sealed_secret)

    @secret.setter
    def secret(self, text: str) -> None:
        self.sealed_secret = seal(text)


class ToolCall(TenantOwned):
    """A call of a tool in a reply: for the transcript that a model reads, for reviewers, and for the figures.

    `call_id` is the model's own id, `result` what the model was told. `error` is a slug, empty when it went well.
    """

    conversation = models.UUIDField()
    reply = models.UUIDField()
    position = models.PositiveIntegerField()
    round = models.PositiveIntegerField(default=0)
    call_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=NAME_LENGTH)
    arguments = models.JSONField(default=dict)
    result = models.TextField(blank=True)
    error = models.CharField(max_length=40, blank=True)
    ms = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["created_at", "position"]
        indexes = [
            models.Index(fields=["tenant", "conversation", "created_at"], name="tool_calls_in_order"),
            models.Index(fields=["tenant", "name", "-created_at"], name="tool_calls_by_name"),
        ]

    def __str__(self) -> str:
        return self.name
