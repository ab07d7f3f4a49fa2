"""Makes the pictures of docs/src/reports.md: report_pictures.py OPTKIT REPORT

OPTKIT is the program, REPORT the example of the crate optkit-report:

    cargo build --release && cargo build --release -p optkit-report --example report
    python3 docs/report_pictures.py target/release/optkit target/release/examples/report

Runs four configurations on the embedded digits, three trials each (seconds), and photographs their report with a
headless Chromium. Needs Chromium, and Pillow for small files.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from PIL import Image

PROBLEM = """apts 1
data digits = digits()
network fcnn { input 8x8; flatten; dense 32; relu; dense 10 }
minimize loss     = cross_entropy(fcnn(digits.train.x), digits.train.y)
measure  accuracy = accuracy(fcnn(digits.test.x), digits.test.y)
SOLVER
stop when loss <= 0.02 or epochs >= 60
"""
APTS = "partition tensors = weights(fcnn) {{ parts = 4, by = tensor }}\nsolver apts {{ partition = tensors, {} }}"
RADII = "radius = 0.01, max_radius = 0.1"
SERIES = {
    "adam": "solver adam { lr = 0.01 }",
    "lbfgs": "solver lbfgs { }",
    "apts, order = 1": APTS.format(f"order = 1, {RADII}"),
    "apts, order = 2": APTS.format(f"order = 2, {RADII}"),
}
PICTURES = pathlib.Path(__file__).resolve().parent / "src" / "img"
# Name, width, height, dark, and where the pointer is: figure, share of its width.
SHOTS = [("report_light", 1200, 830, False, (1, 0.35)), ("report_dark", 420, 900, True, None)]
POINTER = """<script>addEventListener("load", () => {
  const svg = document.querySelectorAll("figure[data-c] svg")[FIGURE], box = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove",
    { clientX: box.left + box.width * SHARE, clientY: box.top + 40, bubbles: true }));
});</script></body>"""


def logs(optkit, folder):
    for number, (label, solver) in enumerate(SERIES.items()):
        problem = folder / "digits.apts"
        problem.write_text(PROBLEM.replace("SOLVER", solver))
        for trial in range(1, 4):
            run = subprocess.run([optkit, "solve", problem, "--json", "--seed", str(trial)], capture_output=True, text=True)
            if not run.stdout:
                sys.exit(run.stderr)
            first, rest = run.stdout.split("\n", 1)
            head = json.loads(first) | {"experiment": "digits", "series": label, "trial": trial}
            log = folder / f"{number}_{trial}.jsonl"
            log.write_text(json.dumps(head) + "\n" + rest)
            yield log


def photograph(page, name, width, height, dark, pointer):
    if pointer:
        script = POINTER.replace("FIGURE", str(pointer[0])).replace("SHARE", str(pointer[1]))
        copy = page.with_name("pointer.html")
        copy.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
        page = copy
    browser = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    picture = PICTURES / f"{name}.png"
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    subprocess.run([browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", scheme,
                    f"--window-size={width},{height}", f"--screenshot={picture}", f"file://{page}"],
                   check=True, capture_output=True)
    Image.open(picture).convert("RGB").quantize(128).save(picture, optimize=True)
    print(picture.name, picture.stat().st_size, "bytes")


def main():
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([sys.argv[2], folder, *logs(sys.argv[1], folder)], check=True)
        for shot in SHOTS:
            photograph(folder / "report.html", *shot)


if len(sys.argv) == 3:
    main()
else:
    print(__doc__)
