# ruff: noqa: E501, RUF001 - sentences for customers stay on one line each, with proper apostrophes
"""What the agent itself says to customers, in the languages it speaks; other languages get English."""

from __future__ import annotations

DEFAULT_LANGUAGE = "en"

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "action_gone": "This proposal is not open any more. Nothing was changed; just tell me again what you would like.",
        "working": "Looking that up…",
        "too_many_steps": "This took more steps than I may take in one go, so I have asked a colleague to look at it. Nothing was changed without your word.",
        "searching": "Searching {count} documents…",
        "searching_all": "Searching the documents…",
        "unknown": (
            "I found nothing in {tenant}’s documents that answers this, so I would rather not guess. "
            "A person can help you with it: just ask me to pass you on."
        ),
        "greeting": "Hello! I answer from {tenant}’s documents and name my sources. What would you like to know?",
        "thanks": "You are welcome. Is there anything else I can help with?",
        "goodbye": "Goodbye, and come back whenever you have a question.",
        "handover": "I have asked for a person to take over. They will see this conversation, so you need not repeat anything.",
        "empty": "There was no question in your message. Write what you would like to know and send it again.",
        "unclear": "I did not find a question in that. What would you like to know?",
        "degraded": "The language model does not answer, so this answer quotes the documents directly.",
        "fallback": "The usual language model does not answer; another one takes over.",
        "search_failed": "I cannot reach the documents at the moment. Your message is saved: please try again in a minute.",
        "answer_failed": "I could not write an answer just now. Your message is saved: please try again.",
        "too_long": "Your message has {count} characters, more than the {limit} I can read at once. Shorten it, or send the part that matters; nothing of it was lost.",
        "blocked": "That is something I cannot talk about here. A person can help you with it: just ask me to pass you on.",
        "ask_more": "I am not sure that what I found answers you. Could you say a little more: {missing}?",
        "missing": "which product, order or step it is about, and what exactly you would like to know",
        "missing_words": "what you mean by “{words}”, of which I found nothing",
        "passed_on": "I am not sure enough of my answer to give it to you, so I have asked a colleague to take over. They see this conversation, and you need not repeat anything.",
        "checking": "Writing and checking the answer…",
        "held": "I have written an answer, but a colleague is to check it first, because not all of it stands in our documents. You will read it here.",
        "link_removed": "(link removed)",
        "removed": "(removed)",
    },
    "es": {
        "action_gone": "Esta propuesta ya no está abierta. No se ha cambiado nada; dígame de nuevo qué desea.",
        "working": "Lo estoy consultando…",
        "too_many_steps": "Esto requería más pasos de los que puedo dar de una vez, así que he pedido a un compañero que lo revise. No se ha cambiado nada sin su permiso.",
        "searching": "Buscando en {count} documentos…",
        "searching_all": "Buscando en los documentos…",
        "unknown": (
            "No he encontrado nada en los documentos de {tenant} que responda a esto y prefiero no adivinar. "
            "Una persona puede ayudarle: solo tiene que pedírmelo."
        ),
        "greeting": "¡Hola! Respondo a partir de los documentos de {tenant} e indico mis fuentes. ¿Qué desea saber?",
        "thanks": "De nada. ¿Puedo ayudarle en algo más?",
        "goodbye": "Hasta pronto. Vuelva cuando tenga otra pregunta.",
        "handover": "He pedido que una persona continúe. Verá esta conversación, así que no tendrá que repetir nada.",
        "empty": "Su mensaje no contenía ninguna pregunta. Escriba lo que desea saber y envíelo de nuevo.",
        "unclear": "No he encontrado ninguna pregunta ahí. ¿Qué desea saber?",
        "degraded": "El modelo de lenguaje no responde; esta respuesta cita directamente los documentos.",
        "fallback": "El modelo de lenguaje habitual no responde; otro lo sustituye.",
        "search_failed": "Ahora no puedo consultar los documentos. Su mensaje está guardado: inténtelo de nuevo en un minuto.",
        "answer_failed": "No he podido escribir una respuesta. Su mensaje está guardado: inténtelo de nuevo.",
        "too_long": "Su mensaje tiene {count} caracteres, más de los {limit} que puedo leer de una vez. Acórtelo o envíe la parte importante; no se ha perdido nada.",
        "blocked": "De ese tema no puedo hablar aquí. Una persona puede ayudarle: solo tiene que pedírmelo.",
        "ask_more": "No estoy seguro de que lo que he encontrado responda a su pregunta. ¿Podría decirme un poco más: {missing}?",
        "missing": "de qué producto, pedido o paso se trata y qué desea saber exactamente",
        "missing_words": "a qué se refiere con «{words}», de lo que no he encontrado nada",
        "passed_on": "No estoy lo bastante seguro de mi respuesta, así que he pedido a un compañero que continúe. Verá esta conversación y no tendrá que repetir nada.",
        "checking": "Se escribe y se comprueba la respuesta…",
        "held": "He escrito una respuesta, pero un compañero la revisará antes, porque no todo figura en nuestros documentos. La leerá aquí.",
        "link_removed": "(enlace eliminado)",
        "removed": "(eliminado)",
    },
    "de": {
        "action_gone": "Dieser Vorschlag ist nicht mehr offen. Es wurde nichts geändert; sagen Sie mir einfach noch einmal, was Sie möchten.",
        "working": "Das wird nachgesehen…",
        "too_many_steps": "Das brauchte mehr Schritte, als ich auf einmal gehen darf; ein Kollege sieht es sich an. Ohne Ihr Wort wurde nichts geändert.",
        "searching": "{count} Dokumente werden durchsucht…",
        "searching_all": "Die Dokumente werden durchsucht…",
        "unknown": (
            "In den Dokumenten von {tenant} habe ich keine Antwort darauf gefunden und möchte nicht raten. "
            "Ein Mensch kann Ihnen weiterhelfen: Sagen Sie mir einfach, dass ich Sie weiterleiten soll."
        ),
        "greeting": "Guten Tag! Ich antworte aus den Dokumenten von {tenant} und nenne meine Quellen. Was möchten Sie wissen?",
        "thanks": "Gern geschehen. Kann ich sonst noch etwas für Sie tun?",
        "goodbye": "Auf Wiedersehen! Kommen Sie wieder, wenn Sie eine Frage haben.",
        "handover": "Ich habe einen Menschen gebeten zu übernehmen. Er sieht dieses Gespräch, Sie müssen nichts wiederholen.",
        "empty": "In Ihrer Nachricht stand keine Frage. Schreiben Sie, was Sie wissen möchten, und senden Sie sie noch einmal.",
        "unclear": "Darin habe ich keine Frage gefunden. Was möchten Sie wissen?",
        "degraded": "Das Sprachmodell antwortet nicht; diese Antwort zitiert die Dokumente direkt.",
        "fallback": "Das übliche Sprachmodell antwortet nicht; ein anderes springt ein.",
        "search_failed": "Ich erreiche die Dokumente gerade nicht. Ihre Nachricht ist gespeichert: Bitte versuchen Sie es in einer Minute erneut.",
        "answer_failed": "Ich konnte gerade keine Antwort schreiben. Ihre Nachricht ist gespeichert: Bitte versuchen Sie es erneut.",
        "too_long": "Ihre Nachricht hat {count} Zeichen, mehr als die {limit}, die ich auf einmal lesen kann. Kürzen Sie sie, oder senden Sie den wichtigen Teil; es ging nichts verloren.",
        "blocked": "Darüber kann ich hier nicht sprechen. Ein Mensch kann Ihnen weiterhelfen: Sagen Sie mir einfach, dass ich Sie weiterleiten soll.",
        "ask_more": "Ich bin nicht sicher, ob das Gefundene Ihre Frage beantwortet. Können Sie etwas mehr sagen: {missing}?",
        "missing": "um welches Produkt, welche Bestellung oder welchen Schritt es geht und was genau Sie wissen möchten",
        "missing_words": "was Sie mit „{words}“ meinen, wozu ich nichts gefunden habe",
        "passed_on": "Ich bin mir meiner Antwort nicht sicher genug und habe eine Kollegin oder einen Kollegen gebeten zu übernehmen. Dieses Gespräch ist dort zu sehen, Sie müssen nichts wiederholen.",
        "checking": "Die Antwort wird geschrieben und geprüft…",
        "held": "Ich habe eine Antwort geschrieben, aber sie wird erst geprüft, weil nicht alles davon in unseren Dokumenten steht. Sie lesen sie dann hier.",
        "link_removed": "(Link entfernt)",
        "removed": "(entfernt)",
    },
    "fr": {
        "action_gone": "Cette proposition n’est plus ouverte. Rien n’a été modifié ; dites-moi simplement de nouveau ce que vous souhaitez.",
        "working": "Recherche en cours…",
        "too_many_steps": "Cela demandait plus d’étapes que je n’en peux faire d’un coup : un collègue va regarder. Rien n’a été modifié sans votre accord.",
        "searching": "Recherche dans {count} documents…",
        "searching_all": "Recherche dans les documents…",
        "unknown": (
            "Je n’ai rien trouvé dans les documents de {tenant} qui réponde à cette question et je préfère ne pas deviner. "
            "Une personne peut vous aider : il suffit de me le demander."
        ),
        "greeting": "Bonjour ! Je réponds à partir des documents de {tenant} et j’indique mes sources. Que souhaitez-vous savoir ?",
        "thanks": "Je vous en prie. Puis-je vous aider pour autre chose ?",
        "goodbye": "Au revoir, et revenez quand vous aurez une question.",
        "handover": "J’ai demandé à une personne de prendre la suite. Elle verra cette conversation : inutile de répéter.",
        "empty": "Votre message ne contenait pas de question. Écrivez ce que vous souhaitez savoir et renvoyez-le.",
        "unclear": "Je n’y ai pas trouvé de question. Que souhaitez-vous savoir ?",
        "degraded": "Le modèle de langage ne répond pas ; cette réponse cite directement les documents.",
        "fallback": "Le modèle de langage habituel ne répond pas ; un autre le remplace.",
        "search_failed": "Je ne peux pas consulter les documents pour l’instant. Votre message est enregistré : réessayez dans une minute.",
        "answer_failed": "Je n’ai pas pu écrire de réponse. Votre message est enregistré : veuillez réessayer.",
        "too_long": "Votre message compte {count} caractères, plus que les {limit} que je peux lire en une fois. Raccourcissez-le ou envoyez la partie importante ; rien n’est perdu.",
        "blocked": "Je ne peux pas parler de cela ici. Une personne peut vous aider : il suffit de me le demander.",
        "ask_more": "Je ne suis pas sûr que ce que j’ai trouvé réponde à votre question. Pourriez-vous préciser : {missing} ?",
        "missing": "de quel produit, commande ou étape il s’agit, et ce que vous souhaitez savoir exactement",
        "missing_words": "ce que vous entendez par « {words} », dont je n’ai rien trouvé",
        "passed_on": "Je ne suis pas assez sûr de ma réponse : j’ai demandé à un collègue de prendre la suite. Il verra cette conversation, inutile de répéter.",
        "checking": "La réponse est rédigée et vérifiée…",
        "held": "J’ai rédigé une réponse, mais un collègue doit d’abord la vérifier, car tout n’y figure pas dans nos documents. Vous la lirez ici.",
        "link_removed": "(lien supprimé)",
        "removed": "(supprimé)",
    },
}


def known_language(language: str) -> str:
    """Return the catalogue's language for a tag such as "de-CH"."""
    primary = language.replace("_", "-").partition("-")[0].lower()
    return primary if primary in PHRASES else DEFAULT_LANGUAGE


def phrase(language: str, key: str, **values: object) -> str:
    """Return a phrase with its values filled in.

    Raises:
        KeyError: there is no such phrase, or a value is missing.
    """
    return PHRASES[known_language(language)][key].format(**values)
