"""How many faces a second `minifaces train` reads from a data set in parquet files, and in how much memory.

    python benchmarks/streaming.py [--count 1000000] [--size 32] [--folder /tmp/minifaces-shards]

Writes so many rows, 4,096 composed faces again and again, as `data parquet` writes them (kept in the folder for the
next time), then goes through all of them once in batches of 256, as a training does, in a fresh process. The table
tells, every tenth of the way, the faces a second since the line before and the process's memory."""

import io
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from minifaces.shards import Shards, list_shards
from shared import command_line

DIFFERENT, SHARD, GROUP = 4096, 10_000, 100  # faces that differ, rows of a file, rows of a row group
BATCH = 256


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/minifaces-shards"))
    parser.add_argument("--read", action="store_true", help="only read what is there")
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.folder, arguments.size)
        return
    write(arguments.folder, arguments.count, arguments.size)
    subprocess.run([sys.executable, *sys.argv, "--read"], check=True)


def write(folder: Path, count: int, size: int) -> None:
    from minifaces.ldraw.composed import composed_faces  # here, since it takes memory that reading does not

    files = -(-count // SHARD)
    if (folder / f"train-{files - 1:05}-of-{files:05}.parquet").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for face, row in composed_faces(DIFFERENT, size, seed=11):
        file = io.BytesIO()
        Image.fromarray(face).save(file, "PNG")
        pictures.append((file.getvalue(), row["design"]))
    endless = itertools.islice(itertools.cycle(pictures), count)
    for number in range(files):
        rows = list(itertools.islice(endless, SHARD))
        images = [{"bytes": data, "path": f"{number * SHARD + i:08}.png"} for i, (data, _) in enumerate(rows)]
        table = pa.table({"image": images, "design": [design for _, design in rows]})
        parquet.write_table(table, folder / f"train-{number:05}-of-{files:05}.parquet", row_group_size=GROUP)


def read(folder: Path, size: int) -> None:
    process = psutil.Process(os.getpid())
    start = time.perf_counter()
    shards = Shards(list_shards(folder)["train"], size)
    stored = sum(path.stat().st_size for path in shards.paths)
    print(f"{shards.rows:,} faces of {size} px in {len(shards.paths)} shards, {stored / 1e9:.2f} GB;", end=" ")
    print(f"opened in {time.perf_counter() - start:.1f} s")
    print("faces read  a second  CPU ms each  resident MB")
    start, cpu, last = time.perf_counter(), time.process_time(), 0
    for step in range(shards.rows // BATCH):
        shards.take(0, np.arange(step * BATCH, (step + 1) * BATCH))
        done = (step + 1) * BATCH
        if done // (shards.rows // 10) > last // (shards.rows // 10):
            now, spent = time.perf_counter(), time.process_time()
            rate, each = (done - last) / (now - start), 1000 * (spent - cpu) / (done - last)
            print(f"{done:10,d}  {rate:8.0f}  {each:11.3f}  {process.memory_info().rss / 1e6:11.0f}", flush=True)
            start, cpu, last = now, spent, done


if __name__ == "__main__":
    main()
