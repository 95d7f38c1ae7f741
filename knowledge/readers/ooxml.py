"""What the three Office Open XML formats (ECMA-376) share: parts, relationships, properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname, join, normpath

from lxml import etree

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadError
from knowledge.readers.markup import picture

SMALL_EMU = 360_000  # a centimetre (English Metric Units): what is smaller decorates

_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_CORE = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}"
_DC = "{http://purl.org/dc/elements/1.1/}"


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace, so strict and transitional documents read alike."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """Return an attribute by its local name, "" when absent."""
    value = element.get(name)
    if value is not None:
        return value
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def attribute_id(mark: etree._Element) -> str:
    """Return the relationship id of an entry that also has an `id` of its own."""
    return next((str(value) for key, value in mark.attrib.items() if str(key).endswith("}id")), "")


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first descendant along a path of local names, None where it breaks off."""
    for name in names:
        if element is None:
            return None
        element = next((inner for inner in element if local(inner) == name), None)
    return element


@dataclass(frozen=True, slots=True)
class Relation:
    """One relationship: its kind (last part of the type's address) and the part it points to."""

    kind: str
    target: str


def relations(archive: Archive, part: str) -> dict[str, Relation]:
    """Return the relationships of a part by id; outside targets keep their address."""
    folder = dirname(part)
    name = join(folder, "_rels", part.rpartition("/")[2] + ".rels")
    if name not in archive:
        return {}
    found = {}
    for element in archive.xml(name).iter(f"{_PACKAGE}Relationship"):
        target = element.get("Target") or ""
        if element.get("TargetMode") != "External":
            target = normpath(target.lstrip("/") if target.startswith("/") else join(folder, target))
        found[element.get("Id") or ""] = Relation((element.get("Type") or "").rpartition("/")[2], target)
    return found


def main_part(archive: Archive, fallback: str) -> str:
    """Return the name of the part the package says is the document."""
    for relation in relations(archive, "").values():
        if relation.kind == "officeDocument" and relation.target in archive:
            return relation.target
    return fallback


def picture_in(drawing: etree._Element, targets: Mapping[str, Relation]) -> str:
    """Return the picture of a drawing (DrawingML, ECMA-376 part 1 section 20) as a block, "" where it shows none.

    Args:
        drawing: an element with one picture in it.
        targets: the relationships of its part.
    """
    inner = list(drawing.iter())
    blip = next((mark for mark in inner if local(mark) == "blip"), None)
    named = next((mark for mark in inner if local(mark) in {"docPr", "cNvPr"}), None)
    size = next((mark for mark in inner if local(mark) in {"extent", "ext"} and attribute(mark, "cx")), None)
    sides = [attribute(size, name) for name in ("cx", "cy")] if size is not None else []
    small = any(side.isdecimal() and int(side) < SMALL_EMU for side in sides)
    relation = targets.get(attribute(blip, "embed")) if blip is not None else None
    if small or relation is None or relation.kind != "image" or "://" in relation.target:
        return ""
    words = (attribute(named, "descr") or attribute(named, "title")) if named is not None else ""
    return picture(words, relation.target)


def optional_xml(archive: Archive, name: str) -> etree._Element | None:
    """Return a part that a document can do without, None when it is missing or damaged."""
    try:
        return archive.xml(name) if name in archive else None
    except ReadError as error:
        if error.code == "bomb":
            raise
        return None


def properties(archive: Archive) -> dict[str, str]:
    """Return title, author, description, language and category as the document declares them."""
    root = optional_xml(archive, "docProps/core.xml")
    if root is None:
        return {}
    names = {
        "title": f"{_DC}title",
        "author": f"{_DC}creator",
        "description": f"{_DC}description",
        "language": f"{_DC}language",
        "category": f"{_CORE}category",
    }
    found = {key: root.findtext(path) or "" for key, path in names.items()}
    return {key: value for key, value in found.items() if value.strip()}
