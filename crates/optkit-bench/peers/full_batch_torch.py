"""Full-batch Adam and L-BFGS of torch.optim on the task that the two-level method is measured on, and mini-batch Adam.

usage: full_batch_torch.py DATA METHOD SEEDS [THREADS]
DATA:   a folder with MNIST or Fashion-MNIST in idx form (`optkit data` says where it is), or `digits.csv.gz`
METHOD: adam              the best of 13 learning rates by seed 0, then all seeds
        adam:LR           that rate
        lbfgs             the best of five histories by seed 0, then all seeds
                          (the best: of those that reach most of the first three accuracies, the one with least work)
        lbfgs:HISTORY     that history
        batches:SIZE:LR   Adam on mini-batches, measured every 0.1 epoch

Work is counted in gradient equivalents (evaluations of the loss with its gradient on all samples), time without
measuring accuracies. Prints, by accuracy, how many seeds reached it, mean and worst work and time.
"""
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn

# The likely ones first: a search ends where it has taken more work than the best so far.
RATES = [2e-2, 1e-2, 3e-2, 1.5e-2, 5e-2, 8e-3, 6e-3, 5e-3, 4e-3, 3e-3, 2e-3, 1.5e-3, 1e-3]
HISTORIES = [20, 10, 50, 100, 5]
MOST = 300


def idx(path):
    with open(path, "rb") as file:
        b = file.read()
    shape = [int.from_bytes(b[4 + 4 * i : 8 + 4 * i], "big") for i in range(b[3])]
    return np.frombuffer(b, np.uint8, offset=4 + 4 * b[3]).reshape(shape)


def load(data):
    if data.endswith(".csv.gz"):
        rows = np.loadtxt(data, delimiter=",", dtype=np.float32)
        x, y = torch.tensor(rows[:, :-1] / 16), torch.tensor(rows[:, -1].astype(np.int64))
        return (x[:1437], y[:1437]), (x[1437:], y[1437:])
    def split(s):
        x = idx(f"{data}/{s}-images-idx3-ubyte").astype(np.float32) / 255
        return torch.tensor(x).flatten(1), torch.tensor(idx(f"{data}/{s}-labels-idx1-ubyte").astype(np.int64))
    return split("train"), split("t10k")


def train(data, method, seed, levels, stop_at=None):
    """Work and time at each accuracy, None where it is not reached; which test samples are wrong at the best."""
    (X, y), (Xt, yt) = data
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    loss_of, parameters = nn.CrossEntropyLoss(), list(net.parameters())
    name, *rest = method.split(":")
    work, measuring, reached, best = 0.0, 0.0, [None] * len(levels), (-1.0, None)
    if name == "lbfgs":
        optimizer = torch.optim.LBFGS(parameters, 1.0, history_size=int(rest[0]), line_search_fn="strong_wolfe")
    else:
        optimizer = torch.optim.Adam(parameters, float(rest[-1]))
    def measure():
        nonlocal measuring, best
        begun = time.perf_counter()
        spent = begun - start - measuring
        with torch.no_grad():
            right = net(Xt).argmax(1) == yt
            accuracy = right.float().mean().item()
            if accuracy > best[0]:
                best = (accuracy, ~right)
        measuring += time.perf_counter() - begun
        for i, level in enumerate(levels):
            if reached[i] is None and accuracy >= level:
                reached[i] = (work, spent)
    def closure():
        nonlocal work
        optimizer.zero_grad()
        loss = loss_of(net(X), y)
        loss.backward()
        work += 1
        if name == "lbfgs":  # a step is up to 20 iterations: every point that it tries is looked at
            measure()
        return loss
    order, at = None, 0
    start = time.perf_counter()
    while work < MOST:
        if name == "batches":
            size = int(rest[0])
            for _ in range(max(1, len(X) // size // 10)):
                if order is None or at + size > len(X):
                    order, at = torch.randperm(len(X)), 0
                chosen = order[at : at + size]
                at += size
                optimizer.zero_grad()
                loss_of(net(X[chosen]), y[chosen]).backward()
                optimizer.step()
                work += size / len(X)
        else:
            optimizer.step(closure)
        measure()
        if all(r is not None for r in reached) or (stop_at and work > stop_at):
            break
    return reached, best


def main():
    data, method, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(int(sys.argv[4]) if len(sys.argv) > 4 else 2)
    levels = [0.82, 0.84, 0.86, 0.87] if "fashion" in data else [0.90, 0.94, 0.95, 0.96]
    searched = levels[:3]
    if "digits" in data:
        levels = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95]
    loaded = load(data)
    if method in ("adam", "lbfgs"):
        best = None
        for choice in RATES if method == "adam" else HISTORIES:
            stop_at = best[1] if best and best[0] == -3 else None
            reached, _ = train(loaded, f"{method}:{choice}", 0, searched, stop_at)
            got = [r for r in reached if r]
            if got and (best is None or (-len(got), got[-1][0]) < best[:2]):
                best = (-len(got), got[-1][0], choice)
        if best is None:
            sys.exit(f"no choice of {method} reaches {100 * levels[0]:.0f} % in {MOST} gradient equivalents")
        method = f"{method}:{best[2]}"
    runs, at_best = zip(*[train(loaded, method, seed, levels) for seed in range(seeds)])
    print(f"{os.path.basename(data.rstrip('/'))} {method}")
    for i, level in enumerate(levels):
        done = [r[i] for r in runs if r[i]]
        if done:
            work, spent = zip(*done)
            print(f"{100 * level:.0f} %: {len(done)} of {seeds}  GE mean {np.mean(work):.2f} worst {max(work):.2f}  seconds mean {np.mean(spent):.3f} worst {max(spent):.3f}")
        else:
            print(f"{100 * level:.0f} %: 0 of {seeds}")
    missed = sum(wrong.int() for _, wrong in at_best)
    print("at best", " ".join(f"{accuracy:.4f}" for accuracy, _ in at_best))
    print(f"wrong by all seeds: {int((missed == seeds).sum())}, by some: {int((missed > 0).sum())}")
    if len(missed) < 1000:
        most = (missed > seeds // 2).nonzero().flatten().tolist()
        print(f"wrong by most seeds: {len(most)}: {most}")


main()
