"""Reads a folder of logs with what people use, and prints what it found as JSON. Called by read_back.rs."""
import json
import sys
from pathlib import Path

import pandas
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = Path(sys.argv[1])


def records(frame):
    frame = frame.astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


lines = pandas.read_json(folder / "run.jsonl", lines=True)
rows = pandas.json_normalize([json.loads(line) for line in (folder / "run.jsonl").open()][1:-1])
table = pandas.read_csv(folder / "run.csv")
board = EventAccumulator(str(folder / "board"), size_guidance={"scalars": 0, "tensors": 0})
board.Reload()
json.dump(
    {
        "lines": len(lines),
        "rows": records(rows),
        "table": records(table),
        "types": {name: str(kind) for name, kind in table.dtypes.items()},
        "scalars": {
            tag: [[event.step, event.value] for event in board.Scalars(tag)] for tag in board.Tags()["scalars"]
        },
        "times": [event.wall_time for event in board.Scalars("loss")],
        "texts": {tag: board.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in board.Tags()["tensors"]},
    },
    sys.stdout,
)
