#!/usr/bin/env python3
"""The numbers of src/reproduction.md's tables, and the counts behind its verdicts, from the runs of figure1.apts or figure1_ml_apts.apts.

    optkit solve problems/figure1.apts                 # keeps its runs in runs/figure1
    docs/reproduction.py runs/figure1
"""

import json
import pathlib
import statistics
import sys


def read(log):
    """Configuration, trial, rows and outcome of a run that has ended."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    problem, rows, outcome = records[0]["problem"], records[1:-1], records[-1]
    assert "status" in outcome, f"{log}: the run has not ended"
    return problem["series"], problem["trial"], rows, outcome


def spread(values, form):
    """Mean ± standard deviation of a sample."""
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{form(statistics.fmean(values))} ± {form(deviation)}"


def loss(value):
    return f"{value:.3f}" if value >= 1e-3 else f"{value:.1e}"


def percent(value):
    return f"{100 * value:.2f}"


def rise(rows):
    """The largest rise of the loss from one epoch to the next, beyond what f32 leaves uncertain."""
    losses = [row["loss"] for row in rows]
    return max((b - a for a, b in zip(losses, losses[1:]) if b - a > 2e-7 * a), default=0.0)


def at(rows, epoch, key):
    return next((row[key] for row in rows if row["epoch"] == epoch), None)


def table(runs):
    print("| | n | final loss | accuracy at epoch 50 | at the end | best epoch | largest rise of the loss | work |")
    print("|---|---|---|---|---|---|---|---|")
    for name, trials in runs.items():
        middle = [at(rows, 50, "accuracy") for rows, _ in trials.values()]
        largest = max(rise(rows) for rows, _ in trials.values())
        cells = [
            name,
            str(len(trials)),
            spread([outcome["loss"] for _, outcome in trials.values()], loss),
            "–" if None in middle else spread(middle, percent),
            spread([outcome["accuracy"] for _, outcome in trials.values()], percent),
            spread([max(row["accuracy"] for row in rows) for rows, _ in trials.values()], percent),
            loss(largest) if largest else "none",
            f"{statistics.fmean(o['evaluations']['gradient_equivalents'] for _, o in trials.values()):.0f}",
        ]
        print("| " + " | ".join(cells) + " |")


def compare(runs, left, right):
    """In how many trials `left` ends ahead of `right`, and by how much."""
    a, b = runs[left], runs[right]
    trials = sorted(set(a) & set(b))
    by = [a[t][1]["accuracy"] - b[t][1]["accuracy"] for t in trials]
    lower = sum(a[t][1]["loss"] < b[t][1]["loss"] for t in trials)
    ahead = sum(d > 0 for d in by)
    print(f"- {left} against {right}: lower loss in {lower} of {len(trials)}, more accurate in {ahead}, "
          f"by {spread(by, percent)} points (from {percent(min(by))} to {percent(max(by))})")


def overtakes(runs, late, early, key, sign):
    """The first epoch from which `late` stays ahead of `early`, by trial."""
    epochs = []
    for trial in sorted(set(runs[late]) & set(runs[early])):
        a, b = runs[late][trial][0], runs[early][trial][0]
        ahead = [sign * (x[key] - y[key]) > 0 for x, y in zip(a, b)]
        behind = [i for i, is_ahead in enumerate(ahead) if not is_ahead]
        first = behind[-1] + 2 if behind else 1
        epochs.append(first if first <= len(ahead) else None)
    print(f"- {late} stays ahead of {early} in {key} from epoch {epochs}")


def main(folder):
    experiments = {}
    for log in sorted(pathlib.Path(folder).glob("*/*/run.jsonl")):
        name, trial, rows, outcome = read(log)
        experiments.setdefault(log.parts[-3], {}).setdefault(name, {})[trial] = (rows, outcome)
    seconds = 0.0
    for experiment, runs in experiments.items():
        print(f"\n## {experiment}\n")
        table(runs)
        print()
        names = list(runs)
        seconds += sum(o["seconds_total"] for trials in runs.values() for _, o in trials.values())
        if "tr1" in runs:
            overtakes(runs, "tr2", "tr1", "loss", -1)
            overtakes(runs, "tr2", "tr1", "accuracy", 1)
            for other in names:
                if other not in ("tr1", "tr2"):
                    compare(runs, other, "tr2")
        for first in names:
            second = first.replace("order = 1", "order = 2")
            if second != first and second in runs:
                compare(runs, second, first)
        for order in ("order = 1", "order = 2"):
            parts = [name for name in names if name.endswith(order)]
            for few in parts:
                for many in parts:
                    if few.count("parts = 2") and not many.count("parts = 2"):
                        compare(runs, many, few)
    if "fig1b" in experiments and "fig1cd" in experiments:
        print("\n## fdl = off against fdl = on\n")
        for name in experiments["fig1b"]:
            both = {f"off: {name}": experiments["fig1b"][name], f"on: {name}": experiments["fig1cd"].get(name, {})}
            compare(both, *both)
    print(f"\nSum of the runs' times: {seconds:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
