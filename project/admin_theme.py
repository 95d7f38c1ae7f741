"""How the admin looks: the colours and shapes of Askwell, as django-unfold's settings."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise

HUE_BASE, HUE_PRIMARY = 80, 186
SHADES = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
BASE = (0.985, 0.968, 0.925, 0.87, 0.71, 0.55, 0.445, 0.37, 0.275, 0.21, 0.15)
BASE_CHROMA = (0.003, 0.004, 0.006, 0.008, 0.01, 0.012, 0.012, 0.01, 0.008, 0.006, 0.004)
PRIMARY = (0.98, 0.95, 0.9, 0.83, 0.78, 0.7, 0.455, 0.4, 0.34, 0.29, 0.22)
PRIMARY_CHROMA = (0.012, 0.025, 0.045, 0.06, 0.075, 0.08, 0.078, 0.07, 0.06, 0.05, 0.04)
DOCUMENTS = reverse_lazy("admin:knowledge_document_changelist")
CURATED, SYNONYMS, SEARCHING = (
    f"admin:knowledge_{model}_changelist" for model in ("curatedanswer", "synonymgroup", "searchsettings")
)
ADD_DOCUMENTS = reverse_lazy("admin:knowledge_document_add")


def unfold_settings() -> dict[str, Any]:
    """The value of settings.UNFOLD."""
    return {
        "SITE_TITLE": "Askwell",
        "SITE_HEADER": "Askwell",
        "SITE_URL": None,
        "SITE_ICON": lambda _request: static("logo.svg"),
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("logo.svg")}],
        "BORDER_RADIUS": "10px",
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_HISTORY": False,
        "SIDEBAR": {"show_search": False, "navigation": navigation},
        "STYLES": [lambda _request: static("css/admin.css")],
        "COLORS": {
            "base": _scale(BASE, BASE_CHROMA, HUE_BASE),
            "primary": _scale(PRIMARY, PRIMARY_CHROMA, HUE_PRIMARY),
        },
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: what this person may use, in the tenant that the admin shows."""
    access, tenant = getattr(request, "access", None), getattr(request, "tenant", None)
    operator = bool(getattr(request.user, "is_superuser", False))
    groups = []
    if access and tenant:
        owner, curator, reviewer = access.may(), access.may("curator"), access.may("curator", "reviewer")
        groups = [
            _group(
                "",
                _item("Overview", "home", reverse_lazy("admin:index"), active=request.path == reverse("admin:index")),
            ),
            _group(
                "Knowledge",
                _item("Documents", "description", DOCUMENTS, show=curator, active=_among_documents(request)),
                _item("Add documents", "upload_file", ADD_DOCUMENTS, show=curator),
                _item("Search", "search", reverse_lazy("admin:knowledge-search"), show=reviewer),
                _item("Curated answers", "verified_user", reverse_lazy(CURATED), show=curator),
                _item("Synonyms", "sync_alt", reverse_lazy(SYNONYMS), show=curator),
                _item("Search settings", "manage_search", reverse_lazy(SEARCHING), show=owner),
                *_reports(request, curator=curator, owner=owner, reviewer=reviewer),
                _item(
                    "Embedding models",
                    "hub",
                    reverse_lazy("admin:knowledge_embeddingmodel_changelist"),
                    show=owner,
                ),
            ),
            _shop_group(curator=curator, agent=access.may("agent")),
            _agent_group(curator=curator, owner=owner),
            _group(
                "Conversations",
                _item("Chat", "forum", f"/{tenant.slug}/"),
                _item("Inbox", "inbox", f"/{tenant.slug}/inbox/", show=access.may("agent")),
                _item(
                    "Hand-overs",
                    "support_agent",
                    reverse_lazy("admin:chat_handover_changelist"),
                    show=access.may("agent"),
                ),
                _item(
                    "Inbox settings", "notifications", reverse_lazy("admin:chat_inboxsettings_changelist"), show=owner
                ),
                _item("Review", "rate_review", f"/{tenant.slug}/review/", show=access.may("reviewer", "curator")),
                _item(
                    "Changes", "fact_check", reverse_lazy("admin:agents_action_changelist"), show=access.may("agent")
                ),
            ),
            _group(
                "Organisation",
                _item("Settings", "tune", reverse_lazy("admin:tenants_tenant_change", args=[tenant.pk]), show=owner),
                _item("Members", "group", reverse_lazy("admin:tenants_membership_changelist"), show=owner),
                _item("API keys", "key", reverse_lazy("admin:tenants_apikey_changelist"), show=owner),
                _item("Costs", "payments", f"/{tenant.slug}/costs/", show=owner),
                _item("Audit trail", "history", reverse_lazy("admin:tenants_auditevent_changelist"), show=owner),
            ),
        ]
    return [
        *groups,
        _group(
            "Operation",
            _item("Tenants", "domain", reverse_lazy("admin:tenants_tenant_changelist"), show=operator),
            _item("Tiers", "speed", reverse_lazy("admin:tenants_ratetier_changelist"), show=operator),
            _item("Accounts", "person", reverse_lazy("admin:auth_user_changelist"), show=operator),
            _item(
                "Jobs",
                "pending_actions",
                reverse_lazy("admin:procrastinate_procrastinatejob_changelist"),
                show=operator,
            ),
        ),
    ]


def _reports(request: HttpRequest, *, curator: bool, owner: bool, reviewer: bool) -> list[dict[str, Any] | None]:
    """What waits for curators, with how much of it there is, the gate for owners, and evaluation."""
    from knowledge.admin.waiting import waiting  # settings are read before there are models

    page = "admin:knowledge_{}_changelist"
    here = request.path.startswith("/admin/knowledge/evaluation")
    evaluation = _item(
        "Evaluation", "query_stats", reverse_lazy(page.format("evaluationset")), show=reviewer, active=here
    )
    if not curator:
        return [evaluation]
    now = waiting()
    return [
        _counted(_item("Gaps", "contact_support", reverse_lazy(page.format("gap"))), now.gaps),
        _counted(_item("Alerts", "notifications", reverse_lazy(page.format("knowledgealert"))), now.alerts),
        _counted(_item("Releases", "rocket_launch", reverse_lazy(page.format("release"))), now.releases),
        _item("Release gate", "door_front", reverse_lazy(page.format("releasegate")), show=owner),
        _counted(evaluation, now.fallen),
    ]


def _shop_group(*, curator: bool, agent: bool) -> dict[str, Any]:
    """The shop: curators keep the catalogue, agents serve customers."""
    page = "admin:commerce_{}_changelist"
    return _group(
        "Shop",
        _item("Products", "inventory_2", reverse_lazy(page.format("product")), show=curator),
        _item("Compatibility", "join_inner", reverse_lazy(page.format("compatibilityrule")), show=curator),
        _item("Shop settings", "storefront", reverse_lazy(page.format("shop")), show=curator),
        _item("Orders", "receipt_long", reverse_lazy(page.format("order")), show=agent),
        _item("Deliveries", "local_shipping", reverse_lazy(page.format("delivery")), show=agent),
        _item("Customers", "groups", reverse_lazy(page.format("customer")), show=agent),
        _item("Complaints", "support_agent", reverse_lazy(page.format("complaint")), show=agent),
        _item("Refunds", "payments", reverse_lazy(page.format("refund")), show=agent),
    )


def _agent_group(*, curator: bool, owner: bool) -> dict[str, Any]:
    """What the assistant may do."""
    page = "admin:agents_{}_changelist"
    return _group(
        "Assistant",
        _item("Intents", "label", reverse_lazy(page.format("intent")), show=curator),
        _item("Tools", "build", reverse_lazy(page.format("toolsetting")), show=curator),
        _item("HTTP tools", "http", reverse_lazy(page.format("httptool")), show=curator),
        _item("Calls of tools", "history_toggle_off", reverse_lazy(page.format("toolcall")), show=curator),
        _item("Policy", "policy", reverse_lazy(page.format("agentpolicy")), show=curator),
        _item("Answers", "verified", reverse_lazy(page.format("answerpolicy")), show=owner),
        _item("Answers given again", "cached", reverse_lazy(page.format("cachedanswer")), show=curator),
        _item("Prompts", "edit_note", reverse_lazy(page.format("promptversion")), show=curator),
        _item("Routing", "alt_route", reverse_lazy(page.format("routingrule")), show=curator),
        _item("Budgets", "savings", reverse_lazy(page.format("budget")), show=owner),
        _item("Requests to models", "receipt", reverse_lazy(page.format("modelcall")), show=owner),
        _item("Language models", "neurology", reverse_lazy(page.format("languagemodel")), show=owner),
    )


def _among_documents(request: HttpRequest) -> bool:
    return request.path.startswith(str(DOCUMENTS)) and not request.path.startswith(str(ADD_DOCUMENTS))


def _group(title: str, *items: dict[str, Any] | None) -> dict[str, Any]:
    return {"title": title, "items": [item for item in items if item]}


def _item(
    title: str, icon: str, link: str | Promise, *, show: bool = True, active: bool | None = None
) -> dict[str, Any] | None:
    chosen = {} if active is None else {"active": active}  # without it the theme compares addresses itself
    return {"title": title, "icon": icon, "link": link, **chosen} if show else None


def _counted(item: dict[str, Any] | None, number: int) -> dict[str, Any] | None:
    """The item with how much waits behind it."""
    return {**item, "badge": str(number)} if item and number else item


def _scale(lightness: tuple[float, ...], chroma: tuple[float, ...], hue: int) -> dict[str, str]:
    return {
        shade: f"oklch({light} {colour} {hue})" for shade, light, colour in zip(SHADES, lightness, chroma, strict=True)
    }
