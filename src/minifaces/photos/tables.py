"""Read the pictures of parquet files, as the Hugging Face Hub keeps image data sets."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.folders import too_large
from minifaces.metadata import plain
from minifaces.photos.found import Found

_ROWS = 16  # read at a time


def count_rows(path: Path) -> int:
    parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (OSError, ValueError):
        return 1


def read_parquet(path: Path, most_bytes: int) -> Iterator[Found]:
    """A picture a row: a column of bytes, or of structures with `bytes` in them (Hugging Face's Image feature).

    The other columns that hold words, numbers, truths or class labels become attributes. Raises UsageError where
    pyarrow, which reads parquet, is not installed."""
    parquet = _pyarrow()
    name = shown(path)
    number = -1
    try:
        with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            schema = file.schema_arrow
            column = _picture_column(schema)
            if column is None:
                yield Found(name, None, "has no column of pictures (bytes, or structures with bytes in them)")
                return
            words = _class_labels(schema)
            others = [f.name for f in schema if f.name != column and _is_plain(f.type)]
            for batch in file.iter_batches(_ROWS, columns=[column, *others]):
                for row in batch.to_pylist():
                    number += 1
                    value = row.pop(column)
                    yield _found(f"{name}!{number}", value, plain({**row, **_words(row, words)}), most_bytes)
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:
        yield Found(name, None, f"is a damaged parquet file, read as far as row {number + 1}: {_line(error)}")


def _found(source: str, value: Any, attributes: dict[str, str], most_bytes: int) -> Found:
    data = value.get("bytes") if isinstance(value, dict) else value
    if data is None:
        return Found(source, None, "holds no bytes, only a path or nothing: save the data set with its pictures in it")
    if len(data) > most_bytes:
        return Found(source, None, too_large(len(data), most_bytes))
    return Found(source, data, None, attributes)


def _picture_column(schema: Any) -> str | None:
    import pyarrow.types as types

    def holds_bytes(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    for f in schema:
        inside = {part.name: part.type for part in f.type} if types.is_struct(f.type) else {}
        if holds_bytes(inside.get("bytes", f.type)):
            return str(f.name)
    return None


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):  # categories of pandas
        kind = kind.value_type
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return any(test(kind) for test in tests)


def _class_labels(schema: Any) -> dict[str, list[str]]:
    """The words behind the numbers of class labels, which the Hub keeps in the schema's metadata."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        labels = {k: v["names"] for k, v in features.items() if v.get("_type") == "ClassLabel"}
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}
    return {k: names for k, names in labels.items() if isinstance(names, list)}


def _words(row: Mapping[str, Any], words: Mapping[str, list[str]]) -> dict[str, str]:
    known = {k: row[k] for k in words if isinstance(row.get(k), int) and 0 <= row[k] < len(words[k])}
    return {k: str(words[k][value]) for k, value in known.items()}


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise UsageError("reading parquet needs pyarrow: pip install 'minifaces[photos]'") from None
    return parquet
