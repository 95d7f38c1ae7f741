"""Seeds the demo, once: tenants, documents, and a person for every role. Begun again where it was interrupted."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from commerce.exchange import import_shop
from knowledge.evaluation.importing import read_file
from knowledge.evaluation.runs import carry_out, create_run
from knowledge.evaluation.services import create_set
from knowledge.loading import load
from knowledge.models import EvaluationSet
from knowledge.sources import NewDocument
from tenants.models import AuditEvent, Role, Tenant
from tenants.scope import tenant_scope
from tenants.services import add_member, create_tenant, record_audit

HERE = Path(__file__).resolve().parent
SIGN_INS = "demo-sign-ins.json"  # in the data folder; `serve` prints it
SEEDED, STOCKED = "demo.seeded", "demo.stocked"  # in the audit trail of each demo tenant: its documents, its shop
EVALUATED = "demo.evaluated"  # likewise: its evaluation set, and the first run of it
EVERY = 3  # of the demo's questions are in the set: enough for a first look, and asked in a second
PEOPLE = [
    (Role.OWNER, "Olivia", "Hart", "everything of the tenant"),
    (Role.CURATOR, "Carl", "Nguyen", "documents, in the admin"),
    (Role.REVIEWER, "Priya", "Nair", "reviews replies"),
    (Role.AGENT, "Maya", "Lind", "takes over conversations"),
    (Role.CUSTOMER, "Sofia", "Marsh", "chats, signed in; orders in every state"),
    (Role.CUSTOMER, "Daniel", "Reyes", "chats, signed in; a phone to exchange, a laptop not yet sent"),
    (Role.CUSTOMER, "Lena", "Fischer", "chats, signed in; a parcel that arrives today, a complaint"),
]
OPERATOR = "operator@askwell.example"
SET = "Frequently asked"

Report = Callable[[str], object]


def seed_once(*, report: Report) -> None:
    """Makes what is not there yet; does nothing once all of it has been made, whatever people changed since."""
    manifest = json.loads((HERE / "manifest.json").read_text())
    for shop in manifest["tenants"]:
        tenant = Tenant.objects.filter(slug=shop["slug"]).first() or _create(shop)
        with tenant_scope(tenant.pk):
            told = AuditEvent.objects.filter(action__in=[SEEDED, STOCKED, EVALUATED])
            done = set(told.values_list("action", flat=True))
            if "shop" in shop and STOCKED not in done:
                import_shop(json.loads((HERE / shop["shop"]).read_text()), actor="demo")
                record_audit(actor="demo", action=STOCKED, target=tenant.slug)
        if SEEDED not in done:
            _load_documents(tenant, shop, report)
            with tenant_scope(tenant.pk):
                record_audit(actor="demo", action=SEEDED, target=tenant.slug)
        if "questions" in shop and EVALUATED not in done:
            _evaluate(tenant, HERE / shop["questions"])
    if not (settings.DATA_DIR / SIGN_INS).exists():
        _write_sign_ins(_create_people([shop["slug"] for shop in manifest["tenants"]]))


def _create(shop: dict[str, Any]) -> Tenant:
    tenant = create_tenant(slug=shop["slug"], name=shop["name"], language=shop["language"], actor="demo")
    tenant.suggestions = shop["suggestions"]
    tenant.save()
    return tenant


def _load_documents(tenant: Tenant, shop: dict[str, Any], report: Report) -> None:
    report(f"Reading the demo documents of {tenant.name} (once)...")
    for loaded in load(tenant.pk, _documents(shop), actor="demo", wait=True):
        if loaded.error:
            report(f"  {loaded.document}: {loaded.error}")


def _evaluate(tenant: Tenant, questions: Path) -> None:
    """An evaluation set of questions that customers of this shop ask, and what came of asking them once."""
    with tenant_scope(tenant.pk):
        made = EvaluationSet.objects.filter(name=SET).first() or create_set(
            name=SET,
            description="Questions that customers of the demo shop ask, with the documents that answer them.",
            cases=read_file(questions.read_bytes(), questions.name)[::EVERY],
            actor="demo",
        )
        run = create_run(evaluation_set=made, candidate={}, label="First run", with_answers=False, actor="demo")
    carry_out(tenant.pk, run.pk)
    with tenant_scope(tenant.pk):
        record_audit(actor="demo", action=EVALUATED, target=tenant.slug)


def _documents(shop: dict[str, Any]) -> Iterator[NewDocument]:
    folder = HERE / "documents" / shop["slug"]
    for document in shop["documents"]:
        metadata = {key: value for key, value in document.items() if key not in ("id", "file", "title")}
        yield NewDocument(
            external_id=document["id"],
            filename=document["file"],
            data=(folder / document["file"]).read_bytes(),
            title=document["title"],
            metadata=metadata,
        )


def _create_people(slugs: list[str]) -> dict[str, Any]:
    """One person a role in the first tenant, an owner of the second, and an operator; one new password for all."""
    first, *others = [Tenant.objects.get(slug=slug) for slug in slugs]
    password = secrets.token_urlsafe(9)
    people = []
    for role, given, family, does in PEOPLE:
        user = _person(f"{given.lower()}@{first.slug}.example", password, given, family)
        with tenant_scope(first.pk):
            add_member(user=user, role=role, actor="demo")
        people.append({"role": str(role.label), "name": user.username, "does": does})
    for tenant in others:
        user = _person(f"owner@{tenant.slug}.example", password, "Nora", "Bell")
        with tenant_scope(tenant.pk):
            add_member(user=user, role=Role.OWNER, actor="demo")
        people.append({"role": "Owner", "name": user.username, "does": f"everything of {tenant.name}"})
    _person(OPERATOR, password, "", "", is_staff=True, is_superuser=True)
    people.append({"role": "Operator", "name": OPERATOR, "does": "all tenants, in the admin"})
    return {"tenant": first.slug, "password": password, "people": people}


def _person(name: str, password: str, given: str, family: str, **flags: bool) -> User:
    user, _ = User.objects.get_or_create(username=name, defaults={"email": name})
    user.first_name, user.last_name = given, family
    for flag, value in flags.items():
        setattr(user, flag, value)
    user.set_password(password)
    user.save()
    return user


def _write_sign_ins(sign_ins: dict[str, Any]) -> None:
    path = settings.DATA_DIR / SIGN_INS
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(sign_ins, file)
    part.replace(path)
