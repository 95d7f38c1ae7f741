from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Listens to changes that end elsewhere, and to members who leave."""
        from chat import listening  # noqa: F401 (importing it connects the signals; models are not there before)
