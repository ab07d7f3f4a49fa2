"""Ten trials of an experiment one after another on one thread, and side by side on two: wall time of the command.

    python3 trials.py OPTKIT [ROUNDS] [EPOCHS]

Both in turn, medians of ROUNDS; the results of the two are the same bit for bit, which is checked.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PROBLEM = """apts 1
data digits = digits()
network fcnn { input 8x8
  flatten
  dense 32; relu
  dense 10 }
minimize loss = cross_entropy(fcnn(digits.train.x), digits.train.y)
measure accuracy = accuracy(fcnn(digits.test.x), digits.test.y)
partition tensors = weights(fcnn) { parts = 4 }
solver apts { partition = tensors }
stop when epochs >= EPOCHS
experiment ten { trials = 10 }
"""


def losses(runs):
    logs = sorted(pathlib.Path(runs).glob("ten/ten/*/run.jsonl"))
    assert len(logs) == 10, logs
    return [[json.loads(line).get("loss") for line in log.read_text().splitlines()] for log in logs]


def main():
    optkit = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    epochs = sys.argv[3] if len(sys.argv) > 3 else "200"
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "ten.apts")
        file.write_text(PROBLEM.replace("EPOCHS", epochs))
        took = {1: [], 2: []}
        for _ in range(rounds):
            for threads, times in took.items():
                runs = f"{folder}/{threads}"
                command = [optkit, "solve", file, "--threads", str(threads), "--runs", runs, "--again", "--quiet"]
                begun = time.perf_counter()
                subprocess.run(command, check=True)
                times.append(time.perf_counter() - begun)
        assert losses(f"{folder}/1") == losses(f"{folder}/2")
    one, two = (statistics.median(took[threads]) for threads in (1, 2))
    ratios = ", ".join(f"{b / a:.2f}" for a, b in zip(took[1], took[2]))
    print(f"one thread {one:.2f} s, two threads {two:.2f} s: {two / one:.2f} (rounds: {ratios})")


if __name__ == "__main__":
    main()
