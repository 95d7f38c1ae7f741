"""How the admin looks: the colours and shapes of Askwell, as django-unfold's settings."""

from typing import Any

from django.templatetags.static import static

HUE_BASE, HUE_PRIMARY = 80, 186
SHADES = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
BASE = (0.985, 0.968, 0.925, 0.87, 0.71, 0.55, 0.445, 0.37, 0.275, 0.21, 0.15)
BASE_CHROMA = (0.003, 0.004, 0.006, 0.008, 0.01, 0.012, 0.012, 0.01, 0.008, 0.006, 0.004)
PRIMARY = (0.98, 0.95, 0.9, 0.83, 0.74, 0.56, 0.455, 0.4, 0.34, 0.29, 0.22)
PRIMARY_CHROMA = (0.012, 0.025, 0.045, 0.06, 0.075, 0.08, 0.078, 0.07, 0.06, 0.05, 0.04)


def unfold_settings() -> dict[str, Any]:
    """The value of settings.UNFOLD."""
    return {
        "SITE_TITLE": "Askwell",
        "SITE_HEADER": "Askwell",
        "SITE_URL": "/",
        "SITE_ICON": lambda _request: static("logo.svg"),
        "BORDER_RADIUS": "10px",
        "SHOW_VIEW_ON_SITE": False,
        "STYLES": [lambda _request: static("css/admin.css")],
        "COLORS": {
            "base": _scale(BASE, BASE_CHROMA, HUE_BASE),
            "primary": _scale(PRIMARY, PRIMARY_CHROMA, HUE_PRIMARY),
        },
    }


def _scale(lightness: tuple[float, ...], chroma: tuple[float, ...], hue: int) -> dict[str, str]:
    return {
        shade: f"oklch({light} {colour} {hue})" for shade, light, colour in zip(SHADES, lightness, chroma, strict=True)
    }
