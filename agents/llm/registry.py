"""Which language models a tenant has: the rows of its admin, or else those of the environment."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from agents.llm.openai_compatible import OpenAICompatible
from agents.models import LanguageModel, ModelRole
from tenants.secrets import UnreadableError, unseal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from agents.llm.base import Provider

log = logging.getLogger(__name__)

OPENAI = "https://api.openai.com/v1"
"""What an empty address means, said outright: the client would take OPENAI_BASE_URL and send it somebody else's key."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked. Prices are US dollars per million tokens, None where nobody said."""

    name: str
    """ "primary", "strong", "fallback", "fallback 2" and so on."""
    model: str
    base_url: str
    api_key: str
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    public_only: bool = False
    """Only addresses of the public internet are connected to, whatever the name resolves to or redirects to."""

    def __repr__(self) -> str:
        """Leave the key out: representations end up in logs."""
        return f"Model({self.name}: {self.model} at {self.base_url or OPENAI})"

    @property
    def key(self) -> str:
        """What this model is to the circuit breaker: the same for all that ask the same model with the same key."""
        return hashlib.sha256(f"{self.base_url}\n{self.model}\n{self.api_key}".encode()).hexdigest()

    def provider(self) -> Provider:
        """Return what asks it."""
        return OpenAICompatible(
            name=self.name,
            model=self.model,
            base_url=self.base_url,
            api_key=self.api_key,
            public_only=self.public_only,
            key=self.key,
        )


@dataclass(frozen=True, slots=True)
class TenantModels:
    """The models of a tenant; all are absent where only the documents are quoted."""

    primary: Model | None = None
    strong: Model | None = None
    fallbacks: tuple[Model, ...] = ()

    def __iter__(self) -> Iterator[Model]:
        """Yield them all, primary first."""
        yield from (model for model in (self.primary, self.strong) if model)
        yield from self.fallbacks


def describing_model() -> Model | None:
    """Return the model of the tenant in scope that describes pictures; the first of those that are asked to."""
    row = LanguageModel.objects.filter(active=True, describes_pictures=True).first()
    return model_of(row) if row else None


def environment_models() -> TenantModels:
    """Return the models of the installation; needs neither a scope nor the database."""
    config = settings.ASKWELL
    primary = strong = None
    if config.openai_api_key or config.openai_base_url:
        primary = _configured("primary", config.chat_model, config.openai_base_url, config.openai_api_key)
        if config.strong_model:
            strong = _configured("strong", config.strong_model, config.openai_base_url, config.openai_api_key)
    fallbacks: tuple[Model, ...] = ()
    if config.fallback_api_key or config.fallback_base_url:
        name = config.fallback_model or config.chat_model
        fallbacks = (_configured("fallback", name, config.fallback_base_url or OPENAI, config.fallback_api_key),)
    return TenantModels(primary, strong, fallbacks)


def tenant_models() -> TenantModels:
    """Return the models of the tenant in scope: its active rows, or where it has none those of the environment."""
    rows = list(LanguageModel.objects.filter(active=True))
    if not rows:
        return environment_models()
    by_role = {role: [row for row in rows if row.role == role] for role in ModelRole}
    fallbacks = (
        model_of(row, f"fallback {number}" if number > 1 else "fallback")
        for number, row in enumerate(by_role[ModelRole.FALLBACK], 1)
    )
    return TenantModels(_first(by_role[ModelRole.PRIMARY]), _first(by_role[ModelRole.STRONG]), tuple(fallbacks))


def model_of(row: LanguageModel, name: str = "") -> Model:
    """Return the model of a row, `name` defaulting to its role; without a key where the kept one cannot be read."""
    try:
        key = unseal(row.sealed_key)
    except UnreadableError:
        log.warning("The key of the language model %s was kept under another SECRET_KEY: enter it again", row.pk)
        key = ""
    return Model(
        name=name or row.role,
        model=row.model,
        base_url=row.base_url or OPENAI,
        api_key=key,
        input_price=row.input_price,
        output_price=row.output_price,
        public_only=not (row.private or settings.ASKWELL_PRIVATE_MODELS),
    )


def _configured(name: str, model: str, base_url: str, api_key: str) -> Model:
    prices = settings.ASKWELL.prices.get(model, (None, None))
    return Model(name, model, base_url, api_key, *prices)


def _first(rows: list[LanguageModel]) -> Model | None:
    return model_of(rows[0]) if rows else None
