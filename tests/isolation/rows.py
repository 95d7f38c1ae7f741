"""A row of any tenant-owned model, made from what the model says of its fields: new models are covered unasked."""

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from pgvector.django import HalfVectorField, VectorField

from tenants.models import TenantOwned

MODELS = sorted((m for m in apps.get_models() if issubclass(m, TenantOwned)), key=lambda model: model._meta.db_table)
NUMBERS = itertools.count(1)
#: What constraints of a model's own demand.
DEMANDED: dict[str, dict[str, Any]] = {
    "chat_conversation": {"visitor": uuid.uuid4},
    "chat_handover": {"state": lambda: "closed"},
}
#: A value for a field that must have one.
VALUES: dict[type[Any], Any] = {
    models.UUIDField: uuid.uuid4,
    models.JSONField: dict,
    models.BinaryField: lambda: b"\0\0",
    models.DateTimeField: timezone.now,
    models.DateField: dt.date.today,
    models.BooleanField: lambda: False,
    models.FloatField: lambda: 0.5,
    models.DecimalField: lambda: Decimal(1),
    models.IntegerField: lambda: next(NUMBERS),
    models.CharField: lambda: f"x{next(NUMBERS)}",
    models.TextField: lambda: f"x{next(NUMBERS)}",
    VectorField: lambda: [0.0, 1.0],
    HalfVectorField: lambda: [0.0, 1.0],
}


def make_row(model: type[TenantOwned], tenant_id: int) -> Any:
    """A new row of a tenant, with the rows it refers to; the tenant's scope must be open."""
    values: dict[str, Any] = {"tenant_id": tenant_id}
    for field in model._meta.concrete_fields:
        if field.name not in ("tenant", "id") and _must_be_given(field):
            values[field.name] = _value(field, tenant_id)
    values |= {name: value() for name, value in DEMANDED.get(model._meta.db_table, {}).items()}
    return QuerySet(model).create(**values)


def _must_be_given(field: Any) -> bool:
    if field.is_relation:
        return not field.null
    stamped = getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False)
    return not (field.null or field.blank or field.has_default() or stamped)


def _value(field: Any, tenant_id: int) -> Any:
    if field.is_relation and field.related_model is User:
        return User.objects.create(username=f"user{next(NUMBERS)}")
    if field.is_relation:
        return make_row(field.related_model, tenant_id)
    if field.choices:
        return field.choices[0][0]
    return next(VALUES[kind] for kind in type(field).__mro__ if kind in VALUES)()
