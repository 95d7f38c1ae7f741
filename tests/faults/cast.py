"""Sets the stage, inside `manage.py shell`: two tenants with people, sessions and a document each; prints who is who.

Each tenant's texts hold a word of its own that must never be seen in the other one.
"""

import json
import uuid

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from knowledge.loading import load
from knowledge.sources import NewDocument
from tenants.access import sign_visitor
from tenants.models import Role
from tenants.scope import tenant_scope
from tenants.services import add_member, create_api_key, create_tenant

WORDS = {"acme": "quillfeather", "globex": "brackenmoss"}
MANUAL = """# The {word} lantern

The {word} lantern burns for twelve hours on one charge. Its charger takes ninety minutes. Keep the lantern dry.

## Returns

A lantern of {word} may be sent back within thirty days of purchase.
"""


def session(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


def person(slug: str, role: Role) -> dict[str, str]:
    user = User(username=f"{role}@{slug}.example", email=f"{role}@{slug}.example")
    user.set_unusable_password()
    user.save()
    add_member(user=user, role=role)
    return {"name": user.username, "cookie": session(user)}


def tenant(slug: str, word: str) -> dict[str, object]:
    made = create_tenant(slug=slug, name=slug.title())
    manual = NewDocument(external_id=f"manual-{word}", title=f"Manual of {word}", text=MANUAL.format(word=word))
    list(load(made.pk, [manual], actor="stage", wait=True))
    with tenant_scope(made.pk):
        people = {str(role): person(slug, role) for role in Role}
        key, _ = create_api_key(name=f"key of {word}", actor="stage")
    return {
        "id": made.pk,
        "slug": slug,
        "word": word,
        "people": people,
        "key": key.pk,
        "visitor": sign_visitor(uuid.uuid4()),
    }


print(json.dumps({slug: tenant(slug, word) for slug, word in WORDS.items()}))  # noqa: T201 (the test reads it)
