"""The admin's pages about the shop: who may come, and that every change goes through the services."""

import json
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from commerce.exchange import export_shop, export_table, import_shop
from commerce.models import Complaint, Customer, Order, PaymentMethod, Product, Refund, Relation, Shop, Variant
from commerce.services.care import file_complaint
from commerce.services.refunds import request_refund
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.commerce.little_shop import little_shop
from tests.conftest import person

pytestmark = pytest.mark.django_db
CATALOGUE = ("product", "compatibilityrule", "shop")
SERVICE = ("order", "delivery", "customer", "complaint", "refund")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def filled(tenant):
    """The tenant with the little shop, a complaint and a refund."""
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
        ann = Customer.objects.get(code="ann_1")
        file_complaint(customer=ann, text=f"Cracked {EVIL}", actor="ann")
        request_refund(customer=ann, order_code="#W1", amount=Decimal(40), reason=EVIL, actor="ann")
    return tenant


@pytest.fixture
def curator(filled, client):
    client.force_login(person(filled, "cora", Role.CURATOR))


@pytest.fixture
def agent(filled, client):
    client.force_login(person(filled, "sam", Role.AGENT))


def listed(model):
    return reverse(f"admin:commerce_{model}_changelist")


def page_of(tenant, model, **which):
    with tenant_scope(tenant.pk):
        row = model.objects.get(**which)
    return reverse(f"admin:commerce_{model._meta.model_name}_change", args=[row.pk])


def act(client, tenant, action, model, *codes):
    with tenant_scope(tenant.pk):
        ids = list(model.objects.filter(code__in=codes).values_list("pk", flat=True))
    address = listed(model._meta.model_name)
    response = client.post(address, {"action": action, "_selected_action": ids}, follow=True)
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, (*CATALOGUE, *SERVICE)),
        (Role.CURATOR, CATALOGUE),
        (Role.AGENT, SERVICE),
        (Role.REVIEWER, ()),
        (Role.CUSTOMER, ()),
        (None, ()),
    ],
)
def test_each_role_sees_its_own_lists(client, filled, role, may):
    client.force_login(person(filled if role else None, "pat", *([role] if role else [])))
    for model in (*CATALOGUE, *SERVICE):
        assert client.get(listed(model), follow=True).status_code == (200 if model in may else 403), model
    if role and may:
        menu = client.get("/admin/").content.decode()
        assert {model for model in (*CATALOGUE, *SERVICE) if f'href="{listed(model)}"' in menu} == set(may)


def test_another_tenants_rows_are_not_there(client, filled, other_tenant):
    client.force_login(person(other_tenant, "gus", Role.OWNER))
    for model, which in ((Product, {"code": "P-LAMP"}), (Order, {"code": "#W1"}), (Complaint, {})):
        assert client.get(page_of(filled, model, **which)).status_code == 302
    page = client.get(listed("order")).content.decode()
    assert "#W1" not in page


@pytest.mark.parametrize(
    ("model", "which"),
    [
        (Order, {"code": "#W2"}),
        (Customer, {"code": "ann_1"}),
        (Complaint, {}),
        (Refund, {}),
    ],
)
def test_the_pages_of_agents_show_a_row(client, agent, filled, model, which):
    response = client.get(page_of(filled, model, **which))
    assert response.status_code == 200
    assert EVIL not in response.content.decode()
    assert EVIL not in client.get(listed(model._meta.model_name)).content.decode()


def product_form(**changes):
    return {
        "name": "Lamp",
        "code": "P-LAMP",
        "brand": "Lux",
        "category": "Light",
        "description": "",
        "active": "on",
        "specifications": "Power: 40 W\nFits: E27: screw",
        "aliases": "light\n\nLämpchen",
        "art": "",
        "variants-TOTAL_FORMS": "1",
        "variants-INITIAL_FORMS": "0",
        "variants-0-code": "L-NEW",
        "variants-0-options": "kind: new",
        "variants-0-price": "12.50",
        "variants-0-available": "on",
        "variants-0-position": "9",
        "relations-TOTAL_FORMS": "0",
        "relations-INITIAL_FORMS": "0",
        **changes,
    }


def test_a_product_is_edited_with_its_variants_and_relations(client, curator, filled):
    with tenant_scope(filled.pk):
        desk, version = Product.objects.get(code="P-DESK"), Shop.objects.get().catalogue_version
    relation = {
        "relations-TOTAL_FORMS": "1",
        "relations-0-kind": "accessory_of",
        "relations-0-target": desk.pk,
        "relations-0-weight": "1",
    }
    url = page_of(filled, Product, code="P-LAMP")
    page = client.get(url)
    assert page.status_code == 200
    variants = page.context["inline_admin_formsets"][0].formset
    assert variants.initial_form_count() == 4
    response = client.post(url, product_form(**relation))
    assert response.status_code == 302, response.context["errors"]
    with tenant_scope(filled.pk):
        lamp = Product.objects.get(code="P-LAMP")
        assert lamp.specifications == {"Power": "40 W", "Fits": "E27: screw"}
        assert lamp.aliases == ["light", "Lämpchen"]
        assert Variant.objects.get(code="L-NEW").options == {"kind": "new"}
        assert lamp.price == Decimal("12.50")
        assert Relation.objects.get().target == desk
        assert Shop.objects.get().catalogue_version == version + 1
        assert AuditEvent.objects.filter(action="product.edited", actor="cora", target="P-LAMP").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"code": "P-DESK"}, "already exists"),
        ({"variants-0-code": "D-OAK"}, "already exists"),
        ({"specifications": "Power"}, "name: value"),
        ({"variants-0-price": "-1"}, "variant_price_not_negative"),
        ({"name": ""}, "required"),
    ],
)
def test_a_product_that_cannot_be_saved_says_why(client, curator, filled, changes, told):
    response = client.post(page_of(filled, Product, code="P-LAMP"), product_form(**changes))
    assert response.status_code == 200
    assert told in response.content.decode()


def test_a_product_is_added_and_deleted(client, curator, filled):
    add = reverse("admin:commerce_product_add")
    assert client.get(add).status_code == 200
    assert client.post(add, product_form(code="P-NEW", name="New")).status_code == 302
    with tenant_scope(filled.pk):
        new = Product.objects.get(code="P-NEW")
        assert (new.price, new.available) == (Decimal("12.50"), True)
    url = reverse("admin:commerce_product_delete", args=[new.pk])
    assert client.get(url).status_code == 200
    client.post(url, {"post": "yes"})
    with tenant_scope(filled.pk):
        assert not Product.objects.filter(code="P-NEW").exists()
        assert AuditEvent.objects.first().action == "product.deleted"


def test_rules_and_the_shop_are_set(client, curator, filled):
    rule = {
        "category": "Light",
        "specification": "Fits",
        "comparison": "equal",
        "with_category": "Lamps",
        "with_specification": "Socket",
    }
    add = reverse("admin:commerce_compatibilityrule_add")
    assert client.post(add, rule).status_code == 302
    assert "already exists" in client.post(add, rule).content.decode()
    shop = client.get(listed("shop"))
    assert shop.status_code == 302
    assert client.get(shop.url).status_code == 200
    values = {"currency": "EUR", "return_days": "14", "order_patterns": "SO\\d{6}\n"}
    assert client.post(shop.url, values).status_code == 302
    with tenant_scope(filled.pk):
        row = Shop.objects.get()
        assert (row.currency, row.return_days, row.order_patterns) == ("EUR", 14, ["SO\\d{6}"])


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(a+)+b", "do not repeat what is repeated already"),
        ("SO(", "this is no regular expression"),
        (".*", "it fits ordinary words"),
    ],
)
def test_order_patterns_that_would_harm_are_refused_and_still_there(client, curator, filled, pattern, problem):
    url = client.get(listed("shop")).url
    page = client.post(url, {"currency": "EUR", "order_patterns": f"SO\\d{{6}}\n{pattern}"})
    assert problem in page.content.decode()
    assert f"SO\\d{{6}}\n{pattern}</textarea>" in page.content.decode()
    with tenant_scope(filled.pk):
        assert Shop.objects.get().order_patterns == []


def test_orders_are_cancelled_by_the_service_alone(client, agent, filled):
    said = act(client, filled, "cancel_not_needed", Order, "#W4", "#W2")
    assert "Order #W2 is delivered; only a pending order can be cancelled." in said
    assert "Order #W4 is cancelled; 20.00 USD goes back." in said
    act(client, filled, "cancel_mistake", Order, "#W9")
    with tenant_scope(filled.pk):
        assert PaymentMethod.objects.get(code="gift_1").balance == Decimal("30.25")
        assert Order.objects.get(code="#W9").cancel_reason == "ordered by mistake"
        before = export_shop()
    url = page_of(filled, Order, code="#W1")
    client.post(url, {"status": "delivered", "payments-0-amount": "1", "payments-TOTAL_FORMS": "1"})
    with tenant_scope(filled.pk):
        assert export_shop() == before


def test_a_parcel_gets_events_and_nothing_else(client, agent, filled):
    with tenant_scope(filled.pk):
        delivery = Order.objects.get(code="ORD-1003").deliveries.get()
    url = reverse("admin:commerce_delivery_change", args=[delivery.pk])
    assert client.get(url).status_code == 200
    now = timezone.now()
    event = {
        "carrier": "Evil",
        "events-TOTAL_FORMS": "1",
        "events-INITIAL_FORMS": "0",
        "events-0-at_0": now.strftime("%Y-%m-%d"),
        "events-0-at_1": "09:30:00",
        "events-0-status": "delivered",
        "events-0-place": "Lyon",
        "events-0-text": "",
    }
    assert client.post(url, event).status_code == 302
    with tenant_scope(filled.pk):
        delivery.refresh_from_db()
        assert (delivery.status, delivery.carrier, delivery.order.status) == ("delivered", "", "delivered")
        assert delivery.events.get().place == "Lyon"
        assert AuditEvent.objects.first().action == "delivery.event"


def test_a_complaint_is_resolved_with_a_word(client, agent, filled):
    act(client, filled, "take_in_hand", Complaint, "CMP-1001")
    url = page_of(filled, Complaint)
    assert "Write how it was resolved" in client.post(url, {"status": "resolved", "resolution": ""}).content.decode()
    assert client.post(url, {"status": "resolved", "resolution": "Sent another."}).status_code == 302
    with tenant_scope(filled.pk):
        complaint = Complaint.objects.get()
        assert (complaint.status, complaint.resolution) == ("resolved", "Sent another.")
        assert complaint.resolved_at
    assert client.get(listed("complaint"), {"status__exact": "open"}).context["cl"].result_count == 0
    assert client.get(listed("complaint"), {"severity__exact": "low"}).context["cl"].result_count == 1


def test_refunds_are_decided_by_the_service_alone(client, agent, filled):
    refunds = (Refund, "RFD-1001")
    assert "Refund RFD-1001 is requested: it cannot become paid." in act(client, filled, "pay", *refunds)
    assert act(client, filled, "approve", *refunds) == ["Refund RFD-1001 is approved."]
    assert act(client, filled, "pay", *refunds) == ["Refund RFD-1001 is paid."]
    assert "cannot become refused" in act(client, filled, "refuse", *refunds)[0]
    with tenant_scope(filled.pk):
        assert Order.objects.get(code="#W1").payments.count() == 2


def test_a_customer_is_edited_and_balances_are_not(client, agent, filled):
    url = page_of(filled, Customer, code="ann_1")
    values = {
        "code": "ann_1",
        "first_name": "Anne",
        "last_name": "Archer",
        "email": "anne@example.com",
        "payment_methods-TOTAL_FORMS": "1",
        "payment_methods-INITIAL_FORMS": "0",
        "payment_methods-0-code": "gift_9",
        "payment_methods-0-source": "gift_card",
        "payment_methods-0-balance": "1000",
    }
    assert client.post(url, values).status_code == 302
    with tenant_scope(filled.pk):
        assert Customer.objects.get(code="ann_1").first_name == "Anne"
        assert PaymentMethod.objects.count() == 4


def upload(client, table, name, data):
    file = SimpleUploadedFile(name, data if isinstance(data, bytes) else data.encode())
    return client.post(reverse(f"admin:commerce_{table}_files"), {"file": file}, follow=True)


def test_tables_go_out_and_come_in(client, curator, filled):
    link = reverse("admin:commerce_products_files")
    assert link in client.get(listed("product")).content.decode()
    page = client.get(link).content.decode()
    assert "products.csv" in page
    assert "shop.json" not in page
    response = client.get(f"{link}products.csv")
    assert response["Content-Disposition"] == 'attachment; filename="products.csv"'
    with tenant_scope(filled.pk):
        assert response.content.decode("utf-8-sig") == export_table("products")
    changed = response.content.replace(b"25.5", b"26.5")
    done = upload(client, "products", "products.csv", changed)
    assert "Imported 2 products, 6 variants." in [str(message) for message in done.context["messages"]]
    with tenant_scope(filled.pk):
        assert Variant.objects.get(code="L-BLUE").price == Decimal("26.50")


def test_faults_of_a_file_are_shown_and_nothing_comes_in(client, curator, filled):
    for name, data, told in (
        ("products.csv", f"product_id,name,item_id,price\nP-LAMP,{EVIL},L-RED,-1", "Row 2: product P-LAMP"),
        ("products.csv", "a,b\n", "is not known"),
        ("shop.json", "{}", "taken in by an owner"),
        ("products.csv", b"", "empty"),
    ):
        response = upload(client, "products", name, data)
        assert response.status_code == 200
        assert told in response.content.decode()
    with tenant_scope(filled.pk):
        assert export_shop()["products"] == little_shop()["products"]


def test_only_an_owner_moves_the_whole_shop(client, agent, filled):
    link = reverse("admin:commerce_orders_files")
    assert client.get(f"{link}orders.csv").status_code == 200
    assert client.get(f"{link}shop.json").status_code == 404
    assert client.get(reverse("admin:commerce_products_download", args=["products.csv"])).status_code == 403
    assert client.get(reverse("admin:commerce_products_files")).status_code == 403
    client.force_login(person(filled, "olga", Role.OWNER))
    response = client.get(f"{link}shop.json")
    with tenant_scope(filled.pk):
        assert json.loads(response.content) == export_shop()
    assert "Imported" in " ".join(map(str, upload(client, "orders", "shop.json", response.content).context["messages"]))
    assert "is not JSON" in upload(client, "orders", "shop.json", "{").content.decode()
    assert "must be an object" in upload(client, "orders", "shop.json", "[]").content.decode()
