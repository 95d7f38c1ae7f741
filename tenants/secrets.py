"""Keys of other servers as the database keeps them: readable with the installation's SECRET_KEY alone."""

import base64
import re
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"askwell: keys of other servers"
"""Keeps this use of SECRET_KEY apart from signing; what was sealed under another text cannot be read."""
KEY_BYTES = 32
SHORT = 6
"""Characters of a piece of a key that gives nothing away yet."""
WORD = re.compile(r"[\w.~+/=*-]+")
SCRUBBED = "[key]"


class UnreadableError(ValueError):
    """What was sealed cannot be read: SECRET_KEY is another one now, or the text was damaged."""


def seal(text: str) -> str:
    """Return a text as it may be stored; an empty one stays empty."""
    return _fernet(settings.SECRET_KEY).encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Return the text that was sealed.

    Raises:
        UnreadableError: it was sealed under another SECRET_KEY, or damaged.
    """
    if not sealed:
        return ""
    try:
        return _fernet(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        raise UnreadableError("This was kept under another SECRET_KEY and cannot be read: enter it again.") from None


def scrub(text: str, secret: str) -> str:
    """Return what a server said without the secret it was sent: whole, in pieces, or with asterisks in its middle."""
    if not secret:
        return text
    if len(secret) >= SHORT:
        text = text.replace(secret, SCRUBBED)
    return WORD.sub(lambda word: SCRUBBED if _tells(word[0], secret) else word[0], text)


def _tells(word: str, secret: str) -> bool:
    return "**" in word or word == secret or (len(word) >= SHORT and word in secret)


@lru_cache(maxsize=4)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
