"""Checks the book without building it: every page is in SUMMARY.md and there, every relative link leads somewhere.

Run from anywhere: python3 docs/check_links.py
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOOK = ROOT / "docs" / "src"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), flags=re.M)
    headings += re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    slug = lambda heading: re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
    return {slug(heading) for heading in headings}


def broken_links(page):
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"{page.relative_to(ROOT)}: {target} leads nowhere"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            yield f"{page.relative_to(ROOT)}: {target} names no heading"


def main():
    summary = BOOK / "SUMMARY.md"
    listed = {(BOOK / t).resolve() for t in LINK.findall(summary.read_text(encoding="utf-8"))}
    pages = sorted(BOOK.rglob("*.md"))
    wrong = [
        f"{page.relative_to(ROOT)} is not in SUMMARY.md"
        for page in pages
        if page != summary and page.resolve() not in listed
    ]
    for page in pages + sorted(ROOT.glob("*.md")):
        wrong += broken_links(page)
    print("\n".join(wrong) if wrong else f"{len(pages)} pages, every link leads somewhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
