"""SGD, Adam and L-BFGS on the paper's MNIST task beside PyTorch's: one run, in turns, so that a machine's drift hits both.

usage: baselines_torch.py OPTKIT DATA [THREADS [ROUNDS]]
OPTKIT: the optkit binary. DATA: a folder with MNIST in idx form. Run it from the top of the repository.

All samples at every step, the network 784-32-32-10 in f32, equal threads; seconds are of training alone, measures left
out. An epoch of L-BFGS is one call of torch's `step`: 20 inner iterations with torch's strong Wolfe search, at most 25
evaluations. Prints medians over the rounds and the median of the ratios; L-BFGS also per evaluation, for the two begin at
different points and need not evaluate equally often.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

optkit, data = sys.argv[1:3]
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
PROBLEM = os.path.abspath("problems/mnist_fcnn.apts")
# Name, epochs, as a problem file has it, as torch has it.
METHODS = [
    ("sgd", 50, "sgd { lr = 0.1, momentum = 0.9 }", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    ("adam", 50, "adam { lr = 0.02 }", lambda p: torch.optim.Adam(p, 0.02)),
    ("lbfgs", 5, "lbfgs { line_search = torch, lr = 1, memory = 10 }",
     lambda p: torch.optim.LBFGS(p, 1.0, history_size=10, line_search_fn="strong_wolfe")),
]


def idx(name):
    raw = open(os.path.join(data, name), "rb").read()
    shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return numpy.frombuffer(raw, numpy.uint8, offset=4 + 4 * raw[3]).reshape(shape)


torch.set_num_threads(threads)
x = torch.tensor(idx("train-images-idx3-ubyte").astype(numpy.float32) / 255).flatten(1)
y = torch.tensor(idx("train-labels-idx1-ubyte").astype(numpy.int64))
criterion = torch.nn.CrossEntropyLoss()


def theirs(make, epochs, seed):
    """Seconds, and evaluations of loss and gradient."""
    torch.manual_seed(seed)
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    net = torch.nn.Sequential(linear(784, 32), relu(), linear(32, 32), relu(), linear(32, 10))
    optimizer = make(net.parameters())
    evaluations = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        return loss

    begun = time.perf_counter()
    for _ in range(epochs):
        optimizer.step(closure)
    return time.perf_counter() - begun, evaluations


def ours(solver, epochs, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "method.apts")
        with open(path, "w") as file:
            file.write(f'apts 1\nuse "{PROBLEM}"\nsolver {solver}\n')
        command = [optkit, "solve", path, "--epochs", str(epochs), "--seed", str(seed), "--threads", str(threads),
                   "--data-dir", data, "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    last = json.loads(done.stdout.splitlines()[-1])
    return last["seconds"], last["evaluations"]["gradient"]


print(f"torch {torch.__version__}, {threads} threads, {rounds} rounds; milliseconds an epoch")
for name, epochs, solver, make in METHODS:
    theirs(make, 1, 0)
    runs = [(ours(solver, epochs, seed), theirs(make, epochs, seed)) for seed in range(rounds)]
    mine = [1e3 * seconds / epochs for (seconds, _), _ in runs]
    other = [1e3 * seconds / epochs for _, (seconds, _) in runs]
    ratio = statistics.median(m / o for m, o in zip(mine, other))
    line = f"{name:6} optkit {statistics.median(mine):8.1f}   PyTorch {statistics.median(other):8.1f}   ratio {ratio:.3f}"
    if name == "lbfgs":
        each = statistics.median((a / n) / (b / m) for (a, n), (b, m) in runs)
        line += f"   per evaluation {each:.3f}"
    print(line, flush=True)
