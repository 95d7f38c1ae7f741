# ruff: noqa: E501 - whole documents stand in one line; signs of many languages are meant

import pytest

from knowledge.readers.base import ReadError, read

pytestmark = pytest.mark.unit

HEAD = "From: =?utf-8?B?SsO2cmc=?= <j@x.example>\nTo: help@x.example\nDate: Wed, 1 Jul 2026 10:00:00 +0200\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\n"


def test_plain_mail():
    document = read((HEAD + "MIME-Version: 1.0\n\nHello\n> quoted\n").encode(), "a.eml")
    assert document.title == "Grüße"
    assert document.metadata["author"] == "Jörg <j@x.example>"
    assert document.markdown.startswith("From: Jörg <j@x.example>\nTo: help@x.example\nDate: Wed, 1 Jul 2026")
    assert document.markdown.endswith("Hello\nquoted")


def test_of_two_alternatives_the_plain_one_is_read_and_attachments_are_named():
    body = (
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: multipart/alternative; boundary="a"\n\n'
        "--a\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nF=C3=BCnf plain\n"
        "--a\nContent-Type: text/html\n\n<p>rich</p>\n--a--\n--m\nContent-Type: application/pdf\n"
        'Content-Disposition: attachment; filename="bill.pdf"\n\nxxxx\n--m--\n'
    )
    text = read((HEAD + body).encode(), "a.eml").markdown
    assert "Fünf plain" in text
    assert "rich" not in text
    assert text.endswith("Attachments: bill.pdf")


def test_html_mail_is_read_without_dropping_anything():
    text = read(
        (HEAD + "Content-Type: text/html\n\n<footer><p>Kind <b>regards</b></p></footer>").encode(), "a.eml"
    ).markdown
    assert text.endswith("Kind regards")


@pytest.mark.parametrize(
    "body",
    [
        "Content-Type: text/plain; charset=no-such-set\n\nstill readable",
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nstill readable &&&",
        "Content-Type: multipart/mixed; boundary=missing\n\nstill readable",
    ],
)
def test_malformed_mails_are_read(body):
    assert read((HEAD + body).encode(), "a.eml").title == "Grüße"


def test_japanese_mail():
    body = b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + "返品できますか".encode("iso-2022-jp")
    assert read(HEAD.encode() + body, "a.eml").markdown.endswith("返品できますか")


def test_utf16_mail():
    assert read((HEAD + "\nhello").encode("utf-16"), "a.eml").markdown.endswith("hello")


def test_rtf():
    source = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial;}}{\info{\title Guide}}"
        rb"{\pard\outlinelevel0 Start\par}{\pard Caf\'e9 \u8364?5 \f1\'c4\'e0\f0 .\par}"
        rb"\pard\intbl A\cell B\cell\row\pard\intbl 1\cell 2\cell\row\pard End\par {\*\generator hidden}}"
    )
    document = read(source, "a.rtf")
    assert document.title == "Guide"
    assert document.markdown == "# Start\n\nCafé €5 Да.\n\n| A | B |\n| --- | --- |\n| 1 | 2 |\n\nEnd"


def test_damaged_outlook_message():
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2000 + "__properties_version1.0".encode("utf-16-le")
    with pytest.raises(ReadError) as caught:
        read(data, "a.msg")
    assert caught.value.code == "broken"
