"""HTML pages as Markdown, without their navigation, banners and scripts."""

# ruff: noqa: RUF001 - signs of many languages are what this module is about

import re
from urllib.parse import urlsplit

from lxml import html

from knowledge.readers.archive import parse_xml
from knowledge.readers.base import ReadDocument, build
from knowledge.readers.charset import decode
from knowledge.readers.html_markdown import Kept, Markdown, text_length
from knowledge.readers.markup import blocks, literal, one_line
from knowledge.readers.pictures import data_reference

_DECLARED = re.compile(rb"""(?i)<meta[^>]+charset\s*=\s*["']?([\w-]+)""")
_SAMPLE_BYTES = 4096
_FOOTNOTE_MARK = re.compile(r"\[(?:\d+|[a-z]|note \d+|citation needed)\]")
# A page's main element must hold this share of the text, or the page is read whole.
_MIN_MAIN_SHARE = 0.3
_MAIN_PATHS = (
    "//*[@id='mw-content-text']",
    "//main",
    "//*[@role='main']",
    "//article",
    "//*[@itemprop='articleBody']",
)
_BOILERPLATE_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu"}
# Whole class names and ids, never parts of words: "sidebar" is one, "sidebar-article" is not.
_BOILERPLATE_NAMES = frozenset(
    [
        "nav",
        "navbar",
        "navigation",
        "topnav",
        "main-nav",
        "site-nav",
        "menu",
        "main-menu",
        "sidebar",
        "side-bar",
        "sidenav",
        "breadcrumb",
        "breadcrumbs",
        "crumbs",
        "footer",
        "site-footer",
        "page-footer",
        "masthead",
        "site-header",
        "cookie",
        "cookies",
        "cookie-banner",
        "cookie-consent",
        "cookie-notice",
        "gdpr",
        "consent",
        "share",
        "sharing",
        "social",
        "social-share",
        "social-links",
        "share-buttons",
        "advert",
        "advertisement",
        "ads",
        "ad-container",
        "banner-ad",
        "promo",
        "newsletter",
        "newsletter-signup",
        "subscribe",
        "related",
        "related-posts",
        "related-articles",
        "comments",
        "comment-list",
        "pagination",
        "pager",
        "skip-link",
        "skip-to-content",
        "skiplink",
        "popup",
        "modal",
        "mw-editsection",
        "navbox",
        "catlinks",
        "mw-jump-link",
        "printfooter",
        "noprint",
        "mw-indicators",
        "vector-toc",
        "toc",
        "table-of-contents",
        "on-this-page",
        "headerlink",
        "hash-link",
        "edit-this-page",
        "mw-navigation",
        "mw-panel",
        "siteSub",
        "sphinxsidebar",
        "rst-versions",
        "wy-nav-side",
        "theme-doc-toc-mobile",
        "theme-doc-sidebar-container",
        "hidden",
        "sr-only",
        "visually-hidden",
        "screen-reader-text",
        "metadata-links",
        "authority-control",
        "reflist",
        "mw-references-wrap",
        "refbegin",
    ]
)


def read_html(data: bytes, filename: str) -> ReadDocument:
    """Read a web page saved as a file."""
    page = parse_html(decode_html(data))
    title, site = _title(page), _meta(page, "og:site_name")
    metadata = {
        "description": _meta(page, "description") or _meta(page, "og:description"),
        "author": _meta(page, "author"),
        "source_url": _source_url(page),
    }
    language = page.get("lang") or page.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    return build(
        filename=filename,
        markdown=page_markdown(page),
        titles=[_without_site(title, site), _first_h1(page)],
        language=language,
        metadata=metadata,
    )


def read_xml(data: bytes, filename: str) -> ReadDocument:
    """Read the text of an XML file of unknown meaning, a paragraph for each element that has some."""
    texts = (one_line(text) for element in parse_xml(data).iter() for text in (element.text, element.tail) if text)
    return build(filename=filename, markdown=blocks(literal(text) for text in texts))


def decode_html(data: bytes) -> str:
    """Return the text of a page, by its own declaration where that holds."""
    declared = _DECLARED.search(data[:_SAMPLE_BYTES])
    return decode(data, declared[1].decode("ascii") if declared else "")


def parse_html(text: str) -> html.HtmlElement:
    """Parse a page or a fragment, however damaged; the result is an `html` element."""
    # The parser refuses text with an encoding declaration; bytes of a known encoding cannot be misread.
    data = text.replace("\x00", "").encode("utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True)
    return html.document_fromstring(data or b"<html></html>", parser=parser, ensure_head_body=True)


def fragment_markdown(text: str, kept: Kept = lambda _: "") -> str:
    """Return HTML that is no page (a mail's body, a table in a Markdown file) as Markdown, all of it."""
    return Markdown(kept=kept).convert(parse_html(text))


def page_markdown(page: html.HtmlElement) -> str:
    """Return a page's own text; where dropping navigation leaves almost nothing, everything."""
    body = page.find("body")
    if body is None:
        return ""
    whole = text_length(body)
    main = _main(body, whole)
    found = Markdown(is_boilerplate, data_reference).convert(main)
    # A page made of a menu only still says something.
    return found if len(found) > whole / 20 else Markdown(kept=data_reference).convert(body)


def _main(body: html.HtmlElement, whole: int) -> html.HtmlElement:
    for path in _MAIN_PATHS:
        found: list[html.HtmlElement] = body.xpath(path)
        if len(found) == 1 and text_length(found[0]) >= _MIN_MAIN_SHARE * whole:
            return found[0]
    return body


def is_boilerplate(element: html.HtmlElement) -> bool:
    """Tell whether an element is the page's furniture rather than its text."""
    attributes = element.attrib
    if element.tag == "sup":
        return _FOOTNOTE_MARK.fullmatch(str(element.text_content()).strip()) is not None
    if element.tag in {"nav", "aside", "footer", "menu", "dialog"}:
        return element.tag != "aside" or not _inside_article(element)
    if element.tag == "header":
        return not _inside_article(element) and not element.xpath(".//h1")
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if attributes.get("role", "") in _BOILERPLATE_ROLES or "display:none" in attributes.get("style", "").replace(
        " ", ""
    ):
        return True
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}".split()
    return element.tag not in {"body", "main", "article"} and not _BOILERPLATE_NAMES.isdisjoint(names)


def _inside_article(element: html.HtmlElement) -> bool:
    return any(parent.tag in {"article", "main"} for parent in element.iterancestors())


def _title(page: html.HtmlElement) -> str:
    return _meta(page, "og:title") or str(page.findtext(".//title") or "")


def _without_site(title: str, site: str) -> str:
    """Drop the site's name after the page's own: "Returns - TechPro" is "Returns"."""
    for mark in (" | ", " - ", " – ", " — ", " · ", " :: "):
        head, found, tail = title.rpartition(mark)
        if found and head and (tail.strip().lower() == site.strip().lower() or tail.strip().lower() == "wikipedia"):
            return head
    return title


def _first_h1(page: html.HtmlElement) -> str:
    found = page.find(".//h1")
    return "" if found is None else str(found.text_content())


def _meta(page: html.HtmlElement, name: str) -> str:
    for element in page.iterfind(".//meta"):
        if (element.get("name") or element.get("property") or "").lower() == name:
            return str(element.get("content") or "").strip()
    return ""


def _source_url(page: html.HtmlElement) -> str:
    link = page.find(".//link[@rel='canonical']")
    url = str(link.get("href") or "") if link is not None else _meta(page, "og:url")
    return url if urlsplit(url).scheme in {"http", "https"} else ""
