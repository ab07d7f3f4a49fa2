"""Side by side with PyTorch on the paper's MNIST task, in one run, in turns, so that a machine's drift hits both.

usage: compare_torch.py WHAT OPTKIT PEER DATA [THREADS [ROUNDS]]
WHAT: time      a full-batch loss, a loss with gradient, the last layer's part
      epoch     100 epochs of APTS (N = 6, order 1, fdl off), wall time of training and peak memory
      accuracy  ten seeds of both, test accuracy at epochs 20, 50, 100, both ratios, and with fdl
OPTKIT: the optkit binary. PEER: a script that answers `PEER DATA time 0` with `loss_ms gradient_ms peak_MB` and
`PEER DATA apts:N:FDL[:inf] EPOCHS SEED` with a line `epoch loss accuracy seconds` an epoch; it reads THREADS.
DATA: a folder with MNIST in idx form. Run it from the top of the repository. Prints medians and ratios.
"""
import json
import os
import statistics
import subprocess
import sys

what, optkit, peer, data = sys.argv[1:5]
threads = int(sys.argv[5]) if len(sys.argv) > 5 else 2
rounds = int(sys.argv[6]) if len(sys.argv) > 6 else 5
PROBLEM = "problems/mnist_fcnn.apts"


def ours(*args):
    command = [optkit, *args, "--data-dir", data, "--threads", str(threads), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def theirs(*args):
    command = [sys.executable, peer, data, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "THREADS": str(threads)})
    return [line.split() for line in done.stdout.splitlines()]


def row(name, mine, other, unit):
    ratio = statistics.median(m / o for m, o in zip(mine, other))
    print(f"{name:34} optkit {statistics.median(mine):9.2f} {unit}   PyTorch {statistics.median(other):9.2f} {unit}   ratio {ratio:.3f}")


def time():
    runs = [(ours("check", PROBLEM, "--time")[0], theirs("time", 0)[0]) for _ in range(rounds)]
    row("loss", [o["loss_ms"] for o, _ in runs], [float(t[0]) for _, t in runs], "ms")
    row("loss with gradient", [o["loss_gradient_ms"] for o, _ in runs], [float(t[1]) for _, t in runs], "ms")
    last = lambda o: next(p for p in o["parts"] if p["tensors"] == ["5.weight"])
    share = statistics.median(last(o)["loss_gradient_ms"] / o["loss_gradient_ms"] for o, _ in runs)
    print(f"{'last layer (weight), of the whole':34} {share:.3f}")


def epoch():
    runs = []
    for seed in range(rounds):
        mine = ours("solve", PROBLEM, "--epochs", "100", "--seed", str(seed))[-1]
        other = float(theirs("apts:6:0", 100, seed)[-1][3])
        runs.append((mine["seconds"], other, mine["peak_memory_bytes"] / 1e6))
    row("100 epochs of APTS", [m for m, _, _ in runs], [t for _, t, _ in runs], "s")
    print(f"{'peak memory':34} optkit {max(p for _, _, p in runs):9.0f} MB")


def accuracy():
    for name, sets, method in [
        ("ratio = model", [], "apts:6:0"),
        ("ratio = paper_code", ["--set", "solver.ratio=paper_code"], "apts:6:0:inf"),
        ("fdl = on", ["--set", "solver.fdl=on"], "apts:6:1"),
    ]:
        mine, other = [], []
        for seed in range(10):
            lines = [o for o in ours("solve", PROBLEM, "--epochs", "100", "--seed", str(seed), *sets) if "epoch" in o]
            mine.append({o["epoch"]: 100 * o["accuracy"] for o in lines})
            other.append({int(l[0]): float(l[2]) for l in theirs(method, 100, seed)})
        for at in (20, 50, 100):
            a, b = [m[at] for m in mine], [o[at] for o in other]
            error = ((statistics.variance(a) + statistics.variance(b)) / 10) ** 0.5
            difference = statistics.mean(a) - statistics.mean(b)
            print(
                f"{name:20} epoch {at:3}  optkit {statistics.mean(a):5.2f} ± {statistics.stdev(a):4.2f} %   "
                f"PyTorch {statistics.mean(b):5.2f} ± {statistics.stdev(b):4.2f} %   "
                f"difference {difference:+.2f}, allowed {max(2 * error, 0.5):.2f}",
                flush=True,
            )


{"time": time, "epoch": epoch, "accuracy": accuracy}[what]()
