"""Every address there is; the applications list their own."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from project import views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("accounts/sign-in/", views.SignInView.as_view(), name="sign-in"),
    path("accounts/sign-out/", LogoutView.as_view(next_page="/"), name="sign-out"),
    path("admin/", admin.site.urls),
    path("<slug:slug>/", include("commerce.urls")),
    path("<slug:slug>/", include("chat.urls")),
]
handler403 = "project.views.forbidden"
handler404 = "project.views.not_found"
handler500 = "project.views.server_error"
