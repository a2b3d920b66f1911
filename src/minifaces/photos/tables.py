"""Read the pictures of parquet files, as the Hugging Face Hub keeps image data sets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minifaces.files import shown
from minifaces.folders import too_large
from minifaces.photos.found import Found
from minifaces.shards import layout_of, line_of, pyarrow_parquet

_ROWS = 16  # read at a time


def count_rows(path: Path) -> int:
    parquet = pyarrow_parquet()
    try:
        with parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (OSError, ValueError):
        return 1


def read_parquet(path: Path, most_bytes: int) -> Iterator[Found]:
    """A picture a row: a column of bytes, or of structures with `bytes` in them (Hugging Face's Image feature).

    The other columns that hold words, numbers, truths or class labels become attributes. Raises UsageError where
    pyarrow, which reads parquet, is not installed."""
    parquet = pyarrow_parquet()
    name = shown(path)
    number = -1
    try:
        with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            layout = layout_of(file.schema_arrow)
            if layout is None:
                yield Found(name, None, "has no column of pictures (bytes, or structures with bytes in them)")
                return
            for batch in file.iter_batches(_ROWS, columns=[layout.pictures, *layout.others]):
                for row in batch.to_pylist():
                    number += 1
                    yield _found(f"{name}!{number}", row[layout.pictures], layout.told(row), most_bytes)
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:
        yield Found(name, None, f"is a damaged parquet file, read as far as row {number + 1}: {line_of(error)}")


def _found(source: str, value: Any, attributes: dict[str, str], most_bytes: int) -> Found:
    data = value.get("bytes") if isinstance(value, dict) else value
    if data is None:
        return Found(source, None, "holds no bytes, only a path or nothing: save the data set with its pictures in it")
    if len(data) > most_bytes:
        return Found(source, None, too_large(len(data), most_bytes))
    return Found(source, data, None, attributes)
