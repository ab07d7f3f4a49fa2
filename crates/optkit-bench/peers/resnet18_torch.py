"""ResNet-18 in train mode, side by side with PyTorch: both processes stay alive and take turns, so that a machine's
drift hits both. Prints medians of time and of processor time, which other programs disturb less, their ratios, and the
peak memory of each.

usage: resnet18_torch.py OPTKIT_EXAMPLE [BATCH [SIZE [THREADS [ROUNDS]]]]
OPTKIT_EXAMPLE: target/release/examples/resnet18 (`cargo build --release -p optkit-bench --example resnet18`).
The loss with gradient of optkit includes taking over 11.7 million parameters and giving as many derivatives in f64.
"""
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

example = sys.argv[1]
batch, size, threads, rounds = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((2, 64), (3, 32), (4, 2), (5, 15)))
os.environ["OMP_NUM_THREADS"] = str(threads)

import torch  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "optkit-nn/tests/fixtures"))
from resnet18_model import resnet18  # noqa: E402


torch.manual_seed(0)
torch.set_num_threads(threads)
model = resnet18().train()
x, y = torch.randn(batch, 3, size, size), torch.randint(0, 1000, (batch,))
parameters = list(model.parameters())


def theirs(what):
    begun, before = time.perf_counter(), time.process_time()
    if what == "F":
        with torch.no_grad():
            cross_entropy(model(x), y)
    else:
        torch.autograd.grad(cross_entropy(model(x), y), parameters)
    return (time.perf_counter() - begun) * 1e3, (time.process_time() - before) * 1e3


process = subprocess.Popen([example, str(batch), str(size), str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
process.stdout.readline()


def ours(what):
    process.stdin.write(what + "\n")
    process.stdin.flush()
    return [float(number) for number in process.stdout.readline().split()]


# OpenMP's threads spin for a while after their work, on the cores that the other one is then measured on.
PAUSE = 0.3

print(f"batch {batch} of 3x{size}x{size}, {threads} thread(s), {rounds} rounds")
for what, name in (("G", "loss with gradient"), ("F", "loss")):
    for _ in range(2):
        ours(what), theirs(what)
    pairs = []
    for _ in range(rounds):
        time.sleep(PAUSE)
        mine = ours(what)
        time.sleep(PAUSE)
        pairs.append((mine, theirs(what)))
    for i, clock in enumerate(("", " (processor)")):
        a, b = (statistics.median(side[i] for side in sides) for sides in zip(*pairs))
        ratio = statistics.median(m[i] / o[i] for m, o in pairs)
        print(f"{name + clock:32} optkit {a:9.1f} ms   PyTorch {b:9.1f} ms   ratio {ratio:.3f}")
    if what == "G":
        mine, other = ours("M")[0] / 2**30, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{'peak memory':32} optkit {mine:9.2f} GiB  PyTorch {other:9.2f} GiB")
