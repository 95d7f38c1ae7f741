from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Listens to what happens elsewhere, and says where past turns are found."""
        from chat import listening, past_turns  # noqa: F401 (importing them connects them; models are not there before)
