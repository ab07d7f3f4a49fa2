#!/usr/bin/env bash
# Makes the fonts of this folder from those of Debian's package fonts-dejavu-core: the letters of European languages,
# Greek, Cyrillic and the signs of formulas, without hints and ligatures. Needs Python with fonttools 4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
from="${1:-/usr/share/fonts/truetype/dejavu}"
letters="U+0020-007E,U+00A0-017F,U+0384-03CE,U+0400-045F,U+2010-2027,U+2030,U+2032,U+2033,U+2070-208E"
signs="U+2016,U+2190-2193,U+2200-2209,U+220F,U+2211-2213,U+221A,U+221D,U+221E,U+2225-222B,U+2248,U+2260-2265,U+22C5,U+FFFD"
for font in DejaVuSans DejaVuSans-Bold; do
    python3 -m fontTools.subset "$from/$font.ttf" --output-file="$font.ttf" --unicodes="$letters,$signs" \
        --no-hinting --desubroutinize --layout-features='kern,mark' --name-IDs='0,1,2,4,6,13,14' --notdef-outline
done
