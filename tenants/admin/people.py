"""Members of a tenant, and the accounts of everybody (for operators)."""

import secrets
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminEmailInputWidget

from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Membership, Role
from tenants.services import add_member, owner_remains, remove_members

PASSWORD_BYTES = 12  # of an initial password

Deleted = tuple[list[str], dict[str, int], set[str], list[str]]  # what Django's pages of confirmation show

admin.site.unregister([User, Group])


class MemberForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """Adds somebody by e-mail address, whether they have an account or not."""

    email = forms.EmailField(
        label="E-mail address",
        widget=UnfoldAdminEmailInputWidget(),
        help_text="Somebody without an account gets one, with a password that is shown to you once.",
    )

    class Meta:
        model = Membership
        fields = ("email", "role")
        help_texts = {
            "role": "Owners do everything, curators keep documents, reviewers rate replies, agents take over "
            "conversations, customers chat."
        }


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """Who belongs to the tenant, and as what."""

    form = MemberForm
    list_display = ("user", "email", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    search_help_text = "Name or e-mail address"
    ordering = ("user__username", "role")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002 (Django's signature)
        return {"role": Role.CUSTOMER}  # more is a choice

    @admin.display(description="E-mail address", ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False  # a role is added or removed

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: Any) -> None:  # noqa: ARG002 (Django's signature)
        email = form.cleaned_data["email"].lower()
        user = User.objects.filter(email__iexact=email).order_by("pk").first()
        password = ""
        if user is None:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            user = User.objects.create_user(email[:150], email, password)
        added = add_member(user=user, role=Role(form.cleaned_data["role"]), actor=actor(request))
        obj.pk, obj.user, obj.password = added.pk, user, password  # type: ignore[attr-defined] # for response_add alone

    def response_add(self, request: HttpRequest, obj: Membership, post_url_continue: str | None = None) -> HttpResponse:
        if not obj.password:  # type: ignore[attr-defined] # see save_model
            response: HttpResponse = super().response_add(request, obj, post_url_continue)
            return response
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "A new account",
            "member": obj,
            "password": obj.password,  # type: ignore[attr-defined] # see save_model
        }
        return TemplateResponse(request, "admin/tenants/membership/created.html", context)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        self.delete_queryset(request, Membership.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        remove_members(list(queryset), actor=actor(request))

    def get_deleted_objects(self, objs: Iterable[Membership], request: HttpRequest) -> Deleted:  # noqa: ARG002 (Django's signature)
        members = list(objs)
        protected = [] if owner_remains(members) else ["A tenant needs an owner: make somebody else one first."]
        return [str(member) for member in members], {"members": len(members)}, set(), protected


@admin.register(User)
class AccountAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg] # generic in the stubs alone; unfold has none
    """Everybody's accounts; Django's permissions let operators alone come here."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser"), "description": "Superusers operate all tenants."}),
    )
