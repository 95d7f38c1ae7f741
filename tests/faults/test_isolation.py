"""Two tenants on a pool of two connections, backends killed, statements cancelled: nothing foreign is ever seen.

Everybody asks for everything, with their own ids and everyone else's: every page, the admin's too, and every frame.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from django.apps import apps
from django.contrib import admin

from tenants.models import TenantOwned
from tests.faults.customer import BROKEN, Customer
from tests.faults.stage import LONG, QUESTION, SEED, Web, tell

PROBES, AT_ONCE, SOCKETS = (20_000, 8, 8) if LONG else (600, 6, 4)
KILL_EVERY = 0.4  # seconds
SECRETS = ("pumpernickel", "zabaglione", "marzipan", "gorgonzola", "stroopwafel", "halloumi")
TOKEN = "x" * 32  # of the protection against forged forms; any, as long as cookie and form agree
TABLES = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, TenantOwned))
MISSING, TURNED_AWAY = 404, (302, 403, 404)
AWAY = 503  # an honest answer while a backend is being killed


@dataclass
class Person:
    """Somebody with a cookie. `secret` is a word that only they, and who reviews their tenant, may see."""

    tenant: str
    role: str
    cookie: str
    name: str = ""
    secret: str = ""
    ids: dict[str, list[str]] = field(default_factory=dict)
    waits: bool = False  # in the inbox

    @property
    def staff(self) -> bool:
        return self.role in ("owner", "curator", "reviewer", "agent")


@dataclass
class House:
    """All there is to be seen, and who may see what."""

    stage: object
    web: Web
    people: list[Person]
    ids: dict[str, dict[str, list[str]]]  # tenant -> table -> ids
    products: dict[str, str]  # tenant -> code

    def foreign_words(self, person: Person, tenant: str) -> list[str]:
        """What this person must not see on a page of this tenant."""
        words = [
            word for slug, cast in self.stage.cast.items() if slug != tenant for word in (cast["word"], f"@{slug}.")
        ]
        others = [other for other in self.people if other.secret and other is not person]
        reads_all = person.staff and person.tenant == tenant
        return words + [other.secret for other in others if other.tenant != tenant or not reads_all]


@pytest.fixture(scope="module")
def house(stage):
    web = Web(stage.server.data, {**stage.environment, "ASKWELL_POOL": "2"})
    web.start()
    people = asyncio.run(everybody(stage, web.base))
    products = fill_shops(stage, people)
    yield House(stage, web, people, {slug: ids_of(stage, cast["id"]) for slug, cast in stage.cast.items()}, products)
    web.stop()


async def everybody(stage, base):
    """Two visitors, who have a conversation, and one person of every role in each tenant."""
    secrets, people = iter(SECRETS), []
    for slug, cast in stage.cast.items():
        people += [await visitor(base, slug, next(secrets)) for _ in range(2)]
        for role, one in cast["people"].items():
            secret = next(secrets) if role == "customer" else ""
            people.append(Person(slug, role, one["cookie"], one["name"], secret))
    return people


def fill_shops(stage, people):
    """Gives each tenant a shop, its customer an order, one visitor a proposed change; the other visitor waits for help.

    Returns:
        The code of a product of each tenant.
    """
    cast = {slug: cast_of_shop(slug, one, people) for slug, one in stage.cast.items()}
    told = {
        slug: {"id": stage.cast[slug]["id"], "word": stage.cast[slug]["word"]}
        | {name: {"secret": person.secret, **known(person)} for name, person in roles.items()}
        for slug, roles in cast.items()
    }
    script = Path(__file__).with_name("shop.py").read_text()
    made = json.loads(stage.run("shell", "-v", "0", "-c", f"PEOPLE = {told!r}\n{script}"))
    for slug, roles in cast.items():
        roles["customer"].ids["commerce_order"] = [made[slug]["order"]]
        roles["visitor"].ids["agents_action"] = [made[slug]["action"]]
        roles["waiting"].waits = True
    return {slug: one["product"] for slug, one in made.items()}


def cast_of_shop(slug, one, people):
    visitors = [person for person in people if person.tenant == slug and person.role == "visitor"]
    [customer] = [person for person in people if person.name == one["people"]["customer"]["name"]]
    return {"customer": customer, "visitor": visitors[0], "waiting": visitors[1]}


def known(person):
    if person.role == "customer":
        return {"email": person.name}
    return {"conversation": person.ids["chat_conversation"][0], "message": person.ids["chat_message"][1]}


async def visitor(base, slug, secret):
    async with Customer(slug) as customer:
        await customer.connect(base)
        client_id = await customer.ask(f"{QUESTION} My word is {secret}.")
        end = await customer.see_through(client_id, lambda: base, 60)
        assert end["type"] == "message.done"
        ids = {
            "chat_conversation": [customer.conversation],
            "chat_message": [customer.question(client_id), end["message"]],
        }
        return Person(slug, "visitor", f"askwell_visitor={customer.visitor}", secret=secret, ids=ids)


def ids_of(stage, tenant_id):
    """Ids of the tenant's rows, the latest first, of every table that has any."""
    found = {}
    for model in apps.get_models():
        if issubclass(model, TenantOwned):
            table, key = model._meta.db_table, model._meta.pk.column
            rows = stage.query(f"SELECT {key} FROM {table} WHERE tenant_id = %s ORDER BY {key} DESC LIMIT 5", tenant_id)  # noqa: S608 (our own names)
            found[table] = [str(pk) for (pk,) in rows]
    return found


# Pages


@dataclass
class Probe:
    """One request. `holder` is the tenant whose id it names, `owner` the person; empty when it names none."""

    person: Person
    tenant: str
    method: str
    path: str
    holder: str = ""
    owner: Person | None = None
    form: dict[str, str] = field(default_factory=dict)
    allowed: bool = False  # whether the owner's things are this person's to see


CONVERSATION_PATHS = [
    ("GET", "c/{}/"), ("GET", "c/{}/rename/"), ("POST", "c/{}/rename/"), ("POST", "c/{}/delete/"),
    ("GET", "c/{}/handover/"), ("POST", "c/{}/handover/"),
]  # fmt: skip
INBOX_PATHS = [
    ("GET", "inbox/{}/"), ("GET", "inbox/{}/live/"),
    *(("POST", f"inbox/{{}}/{what}/") for what in ("take", "message", "note", "return", "close", "decide")),
]  # fmt: skip
MESSAGE_PATHS = [("GET", "messages/{}/"), ("GET", "messages/{}/sources/1/"), ("GET", "messages/{}/sources/2/")]
REVIEW_PATHS = [("GET", "review/{}/"), ("POST", "review/{}/"), ("GET", "review/{}/conversation/")]
ORDER_PATHS = [
    ("GET", "orders/{}/"),
    *((how, f"orders/{{}}/{form}/") for how in ("GET", "POST") for form in ("complaint", "return", "refund")),
]
#: What names something of somebody's: the table its id is of, the paths, and which staff may follow them.
OWN_PATHS = [
    ("chat_conversation", CONVERSATION_PATHS, ()),
    ("chat_conversation", INBOX_PATHS, ("owner", "agent")),
    ("chat_message", MESSAGE_PATHS, ("owner", "reviewer")),
    ("chat_message", REVIEW_PATHS, ("owner", "reviewer")),
    ("agents_action", [("GET", "actions/{}/")], ()),
    ("commerce_order", ORDER_PATHS, ()),
]
FORM = {
    "title": "stolen", "rating": "1", "wanted": "refund", "text": "This was stolen from me, all of it.",
    "note": "stolen", "email": "thief@thief.example", "kind": "damaged", "wish": "refund", "word": "approve",
    "csrfmiddlewaretoken": TOKEN,
}  # fmt: skip
OPEN_PATHS = [
    "", "conversations/", "conversations/?q={word}", "theme.css", "review/", "review/?state=all&q={word}",
    "products/", "products/?q={word}", "compare/", "orders/", "inbox/", "inbox/list/", "inbox/?show=all",
]  # fmt: skip
#: Where who is not signed in, or may not see the page at all, is sent away.
GUARDED = ("/admin/", "/review/", "/inbox/", "/orders/")
ADMIN_PATHS = ["", "knowledge/search/?q=lantern+{word}", "knowledge/document/progress/"]


def probes(house):
    """Every request there is, of everybody, with the ids of everybody."""
    for person, tenant in itertools.product(house.people, house.stage.cast):
        yield from (Probe(person, tenant, "GET", f"/{tenant}/{path}") for path in with_words(house, OPEN_PATHS))
        for document in [(slug, pk) for slug, ids in house.ids.items() for pk in ids["knowledge_document"]]:
            yield Probe(person, tenant, "GET", f"/{tenant}/documents/{document[1]}/", document[0])
        for slug, code in house.products.items():
            yield Probe(person, tenant, "GET", f"/{tenant}/products/{code}/", slug)
            yield Probe(person, tenant, "GET", f"/{tenant}/compare/?p={code}&p={house.products[tenant]}")
        for owner in [other for other in house.people if other.ids]:
            yield from of_owner(person, tenant, owner)
    for person in [one for one in house.people if one.staff]:
        yield from (Probe(person, person.tenant, "GET", f"/admin/{path}") for path in with_words(house, ADMIN_PATHS))
        yield from of_admin(house, person)


def with_words(house, paths):
    words = [*SECRETS, *(cast["word"] for cast in house.stage.cast.values())]
    return [path.format(word=word) for path in paths for word in (words if "{word}" in path else [""])]


def of_owner(person, tenant, owner):
    for table, paths, roles in OWN_PATHS:
        reads_inbox = owner.waits and paths is MESSAGE_PATHS
        allowed = may_see(person, owner, (*roles, "agent") if reads_inbox else roles)
        for pk, (method, path) in itertools.product(owner.ids.get(table, []), paths):
            if method == "POST" and allowed:
                continue  # it stays as it is, for the others to be kept from
            form = FORM if method == "POST" else {}
            yield Probe(person, tenant, method, f"/{tenant}/{path.format(pk)}", owner.tenant, owner, form, allowed)


def may_see(person, owner, roles):
    return person is owner or (person.role in roles and person.tenant == owner.tenant)


def of_admin(house, person):
    for model in admin.site._registry:
        name = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield Probe(person, person.tenant, "GET", name)
        yield from (Probe(person, person.tenant, "GET", f"{name}?q={word}") for word in (*SECRETS, *house.stage.cast))
        if model._meta.db_table in TABLES:
            for slug, ids in house.ids.items():
                for pk, page in itertools.product(ids[model._meta.db_table], ("change", "delete")):
                    yield Probe(person, person.tenant, "GET", f"{name}{pk}/{page}/", slug)


def fetch(port, probe):
    """Status and body of a page; no redirect is followed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": f"{probe.person.cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
    body = urlencode(probe.form) if probe.form else None
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(probe.method, probe.path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace") + str(response.headers)
    finally:
        connection.close()


def wrong_with(house, probe, status, body):
    """What is wrong with the answer to a request; nothing when it is as it should be."""
    if status == AWAY:
        return None
    asked = probe.path.partition("?")[2]
    if probe.person.name:
        body = body.replace(probe.person.name, "")  # one's own name is shown everywhere
    seen = [word for word in house.foreign_words(probe.person, probe.tenant) if word in body and word not in asked]
    if seen:
        return f"saw {seen}"
    if status >= 500:
        return "broke"
    foreign = probe.holder not in ("", probe.tenant)
    guarded = any(part in probe.path for part in GUARDED)
    if foreign and status not in (TURNED_AWAY if guarded else (MISSING,)):
        return f"another tenant's id gave {status}"
    if probe.owner and not probe.allowed and status not in TURNED_AWAY:
        return f"another person's id gave {status}"
    return None


# Frames


def frames_about(owner):
    [conversation], (question, reply) = owner.ids["chat_conversation"], owner.ids["chat_message"]
    yield {"type": "conversation.resume", "conversation": conversation, "after": 0}
    yield {"type": "message.send", "client_id": "foreign", "conversation": conversation, "text": "Whose is this?"}
    for message in (question, reply):
        yield {"type": "run.stop", "message": message}
        yield {"type": "message.retry", "message": message}
        yield {"type": "feedback.give", "message": message, "rating": 1, "thumb": "down", "comment": "stolen"}
    for action in (reply, *owner.ids.get("agents_action", [])):
        yield {"type": "action.confirm", "action": action}
        yield {"type": "action.decline", "action": action}


async def one_frame(house, person, owner, frame, tenant):
    """A frame with somebody else's id, on a socket of one's own."""
    async with Customer(tenant, cookie=person.cookie) as customer:
        with contextlib.suppress(*BROKEN):
            if (await customer.connect(house.web.base))["type"] != "session.ready":
                return None  # the database was away
            error = await customer.error(**frame)
            if error["code"] not in ("not_found", "unavailable", "internal") or customer.raw:
                return f"{person.role} of {person.tenant} got {customer.told} for {frame} of {owner.role} at {tenant}"
        return None


# The faults


async def kill_backends(stage, over):
    """Ends or cancels a backend of the product's again and again; returns how many."""
    killed = 0
    while not over.is_set():
        await asyncio.sleep(KILL_EVERY)
        how = random.choice(("pg_terminate_backend", "pg_cancel_backend"))
        with contextlib.suppress(psycopg.OperationalError):
            ended = await asyncio.to_thread(
                stage.query,
                f"SELECT {how}(pid) FROM (SELECT pid FROM pg_stat_activity WHERE usename = 'askwell' "  # noqa: S608 (our own names)
                "AND application_name NOT LIKE 'procrastinate%%' ORDER BY random() LIMIT 1) victim",
            )
            killed += len(ended)
            assert rows_without_a_scope(stage) == {}
    return killed


def rows_without_a_scope(stage):
    """Tables of which a connection sees anything without a scope, or after a scope that was rolled back."""
    seen = {}
    with stage.as_askwell() as connection:
        for before in ([], ["BEGIN", "SELECT set_config('askwell.tenant', '1', true)", "ROLLBACK"]):
            for statement in before:
                connection.execute(statement)
            for table in TABLES:
                [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 (our own names)
                if rows:
                    seen[table] = rows
    return seen


async def test_nothing_foreign_is_ever_seen(house):
    chance, over, room = random.Random(SEED), asyncio.Event(), asyncio.Semaphore(AT_ONCE)
    everything = list(probes(house))
    chance.shuffle(everything)
    statuses: dict[int, int] = {}
    wrong: list[str] = []

    async def ask(probe):
        async with room:
            status, body = await asyncio.to_thread(fetch, house.web.port, probe)
            statuses[status] = statuses.get(status, 0) + 1
            if found := wrong_with(house, probe, status, body):
                wrong.append(f"{probe.person.role} of {probe.person.tenant}, {probe.method} {probe.path}: {found}")

    before = what_everybody_has(house)
    killer = asyncio.ensure_future(kill_backends(house.stage, over))
    try:
        for start in range(0, PROBES, 200):
            batch = itertools.islice(itertools.cycle(everything), start, min(start + 200, PROBES))
            await asyncio.gather(*(ask(probe) for probe in batch))
    finally:
        over.set()
        killed = await killer
    tell(f"{PROBES} of {len(everything)} requests, {killed} backends killed or cancelled, answers {statuses}")
    assert wrong == []
    assert statuses[200] > PROBES / 10
    assert statuses[404] > PROBES / 10
    assert statuses.get(AWAY, 0) < PROBES / 4
    assert what_everybody_has(house) == before


def what_everybody_has(house):
    """What somebody else could have changed of conversations, proposed changes and orders."""
    mine = [pk for person in house.people for pk in person.ids.get("chat_conversation", [])]
    shops = house.stage.query(
        "SELECT o.code, o.status, (SELECT count(*) FROM commerce_complaint), (SELECT count(*) FROM commerce_refund), "
        "(SELECT string_agg(state, ' ' ORDER BY id) FROM agents_action), (SELECT count(*) FROM agents_intentexample), "
        "(SELECT string_agg(state || email, ' ' ORDER BY id) FROM chat_handover) FROM commerce_order o ORDER BY o.id"
    )
    return shops + house.stage.query(
        "SELECT c.id, c.title, c.deleted_at, count(m.id), count(f.id), max(f.comment) FROM chat_conversation c "
        "JOIN chat_message m ON m.conversation_id = c.id LEFT JOIN chat_feedback f ON f.message_id = m.id "
        "WHERE c.id = ANY(%s::uuid[]) GROUP BY c.id ORDER BY c.id", mine,
    )  # fmt: skip


async def test_no_frame_reaches_what_is_somebody_elses(house):
    chance, room, before = random.Random(SEED), asyncio.Semaphore(SOCKETS), what_everybody_has(house)
    tries = [
        (person, owner, frame, tenant)
        for person, owner, tenant in itertools.product(house.people, house.people, house.stage.cast)
        if owner.ids.get("chat_conversation") and not (person is owner and tenant == owner.tenant)
        for frame in frames_about(owner)
    ]
    chosen = tries if LONG else chance.sample(tries, 150)

    async def attempt(*one):
        async with room:
            return await one_frame(house, *one)

    assert [found for found in await asyncio.gather(*(attempt(*one) for one in chosen)) if found] == []
    assert what_everybody_has(house) == before
    assert rows_without_a_scope(house.stage) == {}


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_commands_stay_within_their_tenant(house, tenant):
    [foreign] = [cast["word"] for slug, cast in house.stage.cast.items() if slug != tenant]
    said = house.stage.run("search", tenant, f"the {foreign} lantern", "--json")
    hits = json.loads(said.splitlines()[0])["hits"]
    assert hits
    assert foreign not in json.dumps(hits)
    assert house.stage.cast[tenant]["word"] in json.dumps(hits)
