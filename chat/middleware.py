"""What an HTTP request that asks too much is told, whichever view posted its message."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from chat.throttle import RateLimitedError

TOO_MANY_REQUESTS = 429


class TurnLimitMiddleware:
    """Answers 429 with the wait where a view let RateLimitedError through: the limits are those of the WebSocket.

    Such a view gives its Person the address of `throttle.address_of_request`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:  # noqa: ARG002 (Django's signature)
        """The answer, for this one kind of exception."""
        if not isinstance(exception, RateLimitedError):
            return None
        body = {"code": exception.code, "detail": str(exception), **exception.fields}
        return JsonResponse(body, status=TOO_MANY_REQUESTS, headers={"Retry-After": str(exception.wait)})
