"""Says at once that the database is away, instead of letting everybody wait for it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from project import pulse
from project.views import away

GetResponse = Callable[[HttpRequest], HttpResponse]


class DatabaseAwayMiddleware:
    """Stands before everything that asks the database; files of the pages come through."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return away(request) if pulse.is_away() else self.get_response(request)
