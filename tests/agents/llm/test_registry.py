"""Which models a tenant has."""

from dataclasses import replace
from decimal import Decimal

import pytest

from agents.llm.registry import OPENAI, Model, TenantModels, environment_models, tenant_models
from agents.models import LanguageModel
from project.settings import ASKWELL
from tenants.scope import tenant_scope
from tenants.secrets import seal

NOTHING = dict.fromkeys(
    ("openai_api_key", "openai_base_url", "strong_model", "fallback_api_key", "fallback_base_url", "fallback_model"), ""
)
LOCAL = "http://127.0.0.1:11434/v1"


@pytest.fixture
def configure(settings):
    def configure(**values):
        settings.ASKWELL = replace(ASKWELL, **{"chat_model": "gpt-mini", "prices": {}, **NOTHING, **values})

    configure()
    return configure


@pytest.mark.unit
def test_an_empty_environment_has_no_models(configure):
    assert environment_models() == TenantModels()
    assert list(environment_models()) == []


@pytest.mark.unit
def test_the_environment_has_a_primary_a_strong_and_a_fallback_model_with_prices(configure):
    configure(
        openai_api_key="k1",
        strong_model="gpt-big",
        fallback_base_url=LOCAL,
        fallback_model="llama",
        prices={"gpt-mini": (Decimal("0.4"), Decimal("1.6")), "llama": (Decimal(0), Decimal(0))},
    )
    models = environment_models()
    assert models.primary == Model("primary", "gpt-mini", "", "k1", Decimal("0.4"), Decimal("1.6"))
    assert models.strong == Model("strong", "gpt-big", "", "k1")
    assert models.fallbacks == (Model("fallback", "llama", LOCAL, "", Decimal(0), Decimal(0)),)
    assert [model.name for model in models] == ["primary", "strong", "fallback"]


@pytest.mark.unit
def test_a_strong_model_needs_the_address_or_key_that_it_shares(configure):
    configure(strong_model="gpt-big", fallback_api_key="k2")
    models = environment_models()
    assert (models.primary, models.strong) == (None, None)
    assert [(model.model, model.base_url) for model in models.fallbacks] == [("gpt-mini", OPENAI)]


@pytest.mark.unit
def test_a_model_is_known_by_what_is_asked_and_never_shows_its_key(configure):
    model = Model("primary", "m", LOCAL, "s3cret")
    assert model.key == replace(model, name="strong", input_price=Decimal(1)).key
    assert len({model.key, *(replace(model, **{part: "x"}).key for part in ("model", "base_url", "api_key"))}) == 4
    assert "s3cret" not in repr(model) + str(model) + repr(TenantModels(model)) + model.key
    provider = model.provider()
    assert (provider.name, provider.model) == ("primary", "m")


def add(**values):
    return LanguageModel.objects.create(**{"model": "m", **values})


def test_rows_take_the_place_of_the_environment(scope, configure):
    configure(openai_api_key="k1", strong_model="gpt-big")
    assert tenant_models() == environment_models()
    add(model="off", active=False)
    assert tenant_models() == environment_models()
    add(role="fallback", model="second", position=2)
    add(role="fallback", model="first", position=1, base_url=LOCAL)
    add(model="main", sealed_key=seal("s3cret"), input_price=Decimal("2.5"), output_price=Decimal(0))
    models = tenant_models()
    assert models.primary is not None
    assert (models.primary.api_key, models.primary.input_price, models.primary.output_price) == (
        "s3cret",
        Decimal("2.5"),
        0,
    )
    assert models.primary.base_url == OPENAI  # and not OPENAI_BASE_URL, which is the operator's
    assert models.strong is None
    assert [(model.name, model.model) for model in models.fallbacks] == [
        ("fallback", "first"),
        ("fallback 2", "second"),
    ]


def test_another_tenants_models_are_not_there(tenant, other_tenant, configure):
    with tenant_scope(other_tenant.pk):
        add(model="theirs")
    with tenant_scope(tenant.pk):
        assert tenant_models() == TenantModels()


def test_a_key_that_cannot_be_read_is_none_and_nothing_crashes(scope, configure, settings, caplog):
    add(sealed_key=seal("s3cret"))
    settings.SECRET_KEY = "another"
    models = tenant_models()
    assert models.primary is not None
    assert models.primary.api_key == ""
    assert "enter it again" in caplog.text


def test_who_may_reach_the_network_inside(scope, configure, settings):
    add(base_url=LOCAL)
    add(role="strong", base_url=LOCAL, private=True)
    settings.ASKWELL_PRIVATE_MODELS = False
    models = tenant_models()
    assert [model.public_only for model in models] == [True, False]
    settings.ASKWELL_PRIVATE_MODELS = True
    assert [model.public_only for model in tenant_models()] == [False, False]
