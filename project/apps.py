from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ProjectConfig(AppConfig):
    name = "project"
    default = True

    def ready(self) -> None:
        from project import checks  # noqa: F401 (importing it registers the checks)


class AskwellAdminConfig(admin_apps.AdminConfig):
    """Makes AskwellAdminSite the admin of the project."""

    default = False
    default_site = "project.admin_site.AskwellAdminSite"
