"""What forms about other servers share: an address that leads where it may, and a key that is never read again."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from unfold import widgets

from knowledge.fetching import is_public
from tenants.secrets import UnreadableError, seal, unseal

MAX_KEY = 500  # characters
KEY_HINT = "It is kept encrypted and never shown again."
KEY_KEPT = "A key is kept. Empty leaves it; another one takes its place."
KEY_LOST = "The key that was kept cannot be read any more: SECRET_KEY of this installation has changed. Enter it again."
PRIVATE = (
    "This address is inside the network. An operator of the installation can name it, or let owners do so with "
    "ASKWELL_PRIVATE_MODELS=1."
)
INSIDE = (".localhost", ".local", ".internal")


class ServerForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A row with an address, a sealed key and whether the address may be private, in the fields that the form names.

    The key is written here and never read again.
    """

    address_field, key_field, private_field = "base_url", "sealed_key", "private"

    key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        strip=True,
        widget=widgets.UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    forget_key = forms.BooleanField(required=False, label="Remove the key", widget=widgets.UnfoldBooleanWidget())
    copied = ""
    """What people copy along with the address; it is added to each request."""
    operator = False
    """Whether an operator fills the form; set by the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sealed = getattr(self.instance, self.key_field)
        self.fields["key"].help_text = key_state(sealed)[1]
        if not sealed:
            self.fields["forget_key"].widget = forms.HiddenInput()

    def clean_model(self) -> str:
        return str(self.cleaned_data["model"]).strip()

    def clean_base_url(self) -> str:
        return self.cleaned_address()

    def cleaned_address(self) -> str:
        """The address without a slash at its end; ValidationError says what is wrong with it."""
        url = str(self.cleaned_data[self.address_field]).strip()
        if not url:
            return ""
        if problem := problem_of_address(url):
            raise forms.ValidationError(problem)
        url = url.removesuffix("/").removesuffix(self.copied).removesuffix("/")
        # An operator's address stays when others edit the row.
        kept = self.instance.pk and url == getattr(self.instance, self.address_field)
        if not (self.operator or settings.ASKWELL_PRIVATE_MODELS or kept) and is_private(url):
            raise forms.ValidationError(PRIVATE)
        return url

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if not key.isascii() or not key.isprintable() or " " in key:
            raise forms.ValidationError("A key is one word of plain letters, digits and signs. Copy it once more.")
        return key

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # not in the stubs
        if self.errors:
            return
        row, values = self.instance, self.cleaned_data
        if values.get("forget_key"):
            setattr(row, self.key_field, "")
        if values["key"]:
            setattr(row, self.key_field, seal(values["key"]))
        address = getattr(row, self.address_field)
        if self.address_field in self.changed_data or (self.operator and is_private(address)):
            setattr(row, self.private_field, self.operator)


def problem_of_address(url: str) -> str:
    """What is wrong with an address, as a sentence; empty when nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "The address must begin with https:// or http://, such as https://api.example.com/v1."
    if parts.username is not None or parts.query or parts.fragment:
        return "The address must be plain, without a user name, ? or #. The key has a field of its own."
    if not url.isascii() or not url.isprintable() or " " in url:
        return "The address must be plain: no blanks, no accents."
    return ""


def is_private(url: str) -> bool:
    """Whether an address says that it is inside the network. Names are looked up when they are connected to."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if not host:
        return False
    try:
        return not is_public(host)
    except ValueError:
        return "." not in host or host.endswith(INSIDE)


def key_state(sealed_key: str) -> tuple[str, str]:
    """Whether a key is kept: for the list, and as a hint beside the field."""
    if not sealed_key:
        return "none", f"{KEY_HINT} Servers of your own may need none."
    try:
        unseal(sealed_key)
    except UnreadableError:
        return "enter it again", KEY_LOST
    return "kept", KEY_KEPT
