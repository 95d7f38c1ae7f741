"""Pages that belong to no tenant: the way in, health, and what is shown when something is wrong."""

import sys

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from psycopg_pool import PoolTimeout

from chat.services import adopt_visitor
from project import warm_up
from tenants.middleware import tenants_of
from tenants.models import Tenant
from tenants.scope import tenant_scope

AWAY = (OperationalError, InterfaceError, PoolTimeout)


def home(request: HttpRequest) -> HttpResponse:
    """The only tenant there is, or a list of those one may choose from."""
    tenants = list(Tenant.objects.filter(active=True))
    if len(tenants) == 1:
        return HttpResponseRedirect(f"/{tenants[0].slug}/")
    mine = tenants_of(request) if request.user.is_authenticated else []
    return render(request, "home.html", {"tenants": mine or tenants})


class SignInView(LoginView):
    """Signs in, and takes along what the person asked as a visitor of the tenant they came from."""

    template_name = "signin.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        slug = self.get_success_url().lstrip("/").partition("/")[0]
        tenant = Tenant.objects.filter(slug=slug, active=True).first()
        visitor = getattr(self.request, "visitor", None)
        if tenant and visitor:
            with tenant_scope(tenant.pk):
                adopt_visitor(visitor=visitor, user_id=form.get_user().pk)
        return response


def healthz(_request: HttpRequest) -> JsonResponse:
    """200 once this process can answer questions; 503 with the reason until then."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except AWAY:
        return _not_ready("waiting for the database")
    return JsonResponse({"status": "ok"}) if warm_up.done() else _not_ready(warm_up.state())


def _not_ready(reason: str) -> JsonResponse:
    response = JsonResponse({"status": reason}, status=503)
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001 (Django would log each probe as an error)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's signature)
    """404."""
    return render(request, "error.html", {"code": 404}, status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:  # noqa: ARG001 (Django's signature)
    """403, also for a form whose token has expired."""
    return render(request, "error.html", {"code": 403}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database is away, which passes by itself; 500 for a defect."""
    if isinstance(sys.exc_info()[1], AWAY):
        return away(request)
    return render(None, "error.html", {"code": 500, "path": request.path}, status=500)


def away(request: HttpRequest) -> HttpResponse:
    """503 until the database is back."""
    if request.path == "/healthz":
        return _not_ready("waiting for the database")
    response = render(None, "error.html", {"code": 503, "path": request.path}, status=503)
    response["Retry-After"] = "5"
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001 (said once in the log, not for each request)
    return response
