"""A terminal transcript as a picture: picture.py OUT.svg < transcript. The first line is the command."""
import html
import sys
import unicodedata

lines = sys.stdin.read().rstrip("\n").split("\n")
char, line, pad = 8.43, 19, 18
cells = lambda text: sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
width = int(max(map(cells, lines)) * char + 2 * pad)
height = len(lines) * line + 2 * pad + 14
rows = []
for i, text in enumerate(lines):
    style = ' fill="#7ee787"' if i == 0 else ' fill="#79c0ff"' if text.lstrip().startswith(("epoch ", "iteration ")) else ""
    rows.append(f'<text x="{pad}" y="{pad + 26 + i * line}"{style} xml:space="preserve">{html.escape(text)}</text>')
dots = "".join(f'<circle cx="{pad + 4 + 18 * i}" cy="15" r="5" fill="{c}"/>' for i, c in enumerate(["#ff5f56", "#ffbd2e", "#27c93f"]))
with open(sys.argv[1], "w") as out:
    out.write(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="a run of optkit in a terminal"><rect width="100%" height="100%" rx="8" fill="#0d1117"/>{dots}'
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14" fill="#c9d1d9">'
        + "".join(rows)
        + "</g></svg>\n"
    )
