"""Make the demo's DOCX and PDF files from the Markdown in `project/demo/sources/`.

    python benchmarks/demo_documents.py

Needed only after a source was edited: the results are committed. PDF is printed by Chromium (`CHROMIUM`, else the
`chromium` on the path) in the typeface Inter; the product itself uses neither.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from markdown_it.token import Token

DEMO = Path(__file__).parent.parent / "project" / "demo"
SOURCES = DEMO / "sources"
DOCUMENTS = DEMO / "documents" / "techpro"
PDF_SOURCES = (
    "x1-user-manual",
    "ultrabook-13-user-manual",
    "gaming-laptop-g1-user-manual",
    "returns-and-refunds-policy",
)
DOCX_SOURCES = (
    "smartphone-pro-12-user-manual",
    "tab-studio-11-user-manual",
    "warranty-policy",
    "privacy-policy",
    "repair-service-policy",
)
WRITTEN = datetime(2025, 10, 1, tzinfo=UTC)
PRINT_SECONDS = 60

MARKDOWN = MarkdownIt("commonmark").enable("table")
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>
@page {{ size: letter; margin: 22mm 24mm;
  @bottom-left {{ content: "{title}"; font: 8pt Inter; color: #555 }}
  @bottom-right {{ content: "Page " counter(page) " of " counter(pages); font: 8pt Inter; color: #555 }} }}
body {{ font: 10.5pt/1.6 Inter, sans-serif; color: #111 }}
h1 {{ font-size: 22pt; line-height: 1.2; margin: 0 0 8mm }}
h2 {{ font-size: 15pt; margin: 9mm 0 2mm }}
h3 {{ font-size: 11.5pt; margin: 5mm 0 1mm }}
h1, h2, h3 {{ break-after: avoid }}
p, ul, ol {{ margin: 0 0 2.5mm; orphans: 3; widows: 3 }}
table {{ break-inside: avoid; border-collapse: collapse; width: 100%; margin: 2mm 0 4mm; font-size: 9pt }}
th, td {{ border: .3mm solid #bbb; padding: 1.2mm 2mm; text-align: left; vertical-align: top }}
td:not(:last-child) {{ white-space: nowrap }}
blockquote {{ margin: 3mm 0; padding: 2mm 4mm; border-left: 1mm solid #b45309; background: #fef6e7 }}
</style></head>
<body>{body}</body>
</html>
"""


def title_of(markdown: str) -> str:
    """The text of the first heading."""
    return markdown.partition("\n")[0].removeprefix("# ")


def print_pdf(source: Path, target: Path) -> None:
    """Print one Markdown file as a PDF with an outline, headings and page numbers."""
    markdown = source.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(PAGE.format(title=title_of(markdown), body=MARKDOWN.render(markdown)), encoding="utf-8")
        subprocess.run(
            [
                os.environ.get("CHROMIUM", "chromium"),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={folder}/profile",
                "--no-pdf-header-footer",
                "--generate-pdf-document-outline",
                f"--print-to-pdf={target}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=PRINT_SECONDS,
        )


def write_docx(source: Path, target: Path) -> None:
    """Write one Markdown file as a Word document with real headings, numbered lists and tables."""
    markdown = source.read_text(encoding="utf-8")
    document = docx.Document()
    document.styles["Normal"].font.name = "Inter"
    document.styles["Normal"].font.size = Pt(10.5)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title_of(markdown), "TechPro Electronics", ""
    properties.created = properties.modified = WRITTEN
    tokens = iter(MARKDOWN.parse(markdown))
    styles = ["Normal"]
    for token in tokens:
        write_block(document, token, tokens, styles)
    document.save(str(target))


def write_block(document: Any, token: Token, tokens: Iterator[Token], styles: list[str]) -> None:
    """Add one block; `styles` is the stack of paragraph styles that the open lists and quotes have set."""
    if token.type == "heading_open":
        level = int(token.tag[1])
        document.add_heading(next(tokens).content, level=level - 1)
    elif token.type == "table_open":
        write_table(document, tokens)
    elif token.type in {"bullet_list_open", "blockquote_open"}:
        styles.append("List Bullet" if token.type == "bullet_list_open" else "Intense Quote")
    elif token.type == "ordered_list_open":
        styles.append(f"List Number:{new_numbering(document)}")
    elif token.type in {"bullet_list_close", "blockquote_close", "ordered_list_close"}:
        styles.pop()
    elif token.type == "inline":
        style, _, numbering = styles[-1].partition(":")
        paragraph = document.add_paragraph(style=style)
        write_runs(paragraph, token)
        if numbering:
            properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()  # noqa: SLF001 (no public numbering)
            properties.get_or_add_numId().val = int(numbering)
            properties.get_or_add_ilvl().val = 0


def write_runs(paragraph: Any, token: Token) -> None:
    bold = False
    for part in token.children or ():
        bold = bold or part.type == "strong_open"
        if part.content:
            paragraph.add_run(part.content).bold = bold
        bold = bold and part.type != "strong_close"


def new_numbering(document: Any) -> int:
    """A numbering that counts from one again; without it, Word goes on counting from the list before."""
    numbering = document.part.numbering_part.element
    style = document.styles["List Number"].element.pPr.numPr.numId.val
    abstract = numbering.num_having_numId(style).abstractNumId.val
    number = numbering.add_num(abstract)
    override = number.add_lvlOverride(ilvl=0)
    start = OxmlElement("w:startOverride")
    start.set(qn("w:val"), "1")
    override.append(start)
    return int(number.numId)


def write_table(document: Any, tokens: Iterator[Token]) -> None:
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for number, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
        for cell, content in zip(row.cells, cells, strict=True):
            run = cell.paragraphs[0].add_run(content.content)
            run.bold = number == 0
    document.add_paragraph()


def main() -> None:
    for name in PDF_SOURCES:
        print_pdf(SOURCES / f"{name}.md", DOCUMENTS / f"{name}.pdf")
    for name in DOCX_SOURCES:
        write_docx(SOURCES / f"{name}.md", DOCUMENTS / f"{name}.docx")


if __name__ == "__main__":
    main()
