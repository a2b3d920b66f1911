"""The figures of `minifaces evaluate` in a model's card: in words for people, and as the Hub's own results."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from minifaces.errors import UsageError

_LIBRARY = "minifaces"
_TASK = "unconditional-image-generation"
_PLACE = "path/to/this/folder"


def with_figures(card: str, name: str, model: str, prior: str, report: Mapping[str, Any] | None) -> str:
    """A model's card as it is on the Hub: with the `name` that it is loaded by there, and the figures of a report.json,
    of random faces those drawn from `prior`. Raises UsageError where the report is of another model than `model`."""
    from huggingface_hub import EvalResult, ModelCard

    head = "" if card.startswith("---\n") else f"---\nlibrary_name: {_LIBRARY}\n---\n"
    made = ModelCard(head + card.replace(_PLACE, name))
    data = made.data
    data.library_name, data.pipeline_tag, data.model_name = _LIBRARY, _TASK, model
    if report is None:
        return str(made)
    rows = list(_figures(report, model, prior))
    told = str(report["facts"].get("data", "faces of the test split"))
    data.eval_results = [
        EvalResult(
            task_type=_TASK,
            dataset_type="minifaces",
            dataset_name=told,
            metric_type=re.sub(r"[^a-z0-9]+", "_", metric.lower()).strip("_"),
            metric_name=f"{metric} ({part})",
            metric_value=round(figure["value"], 4),
        )
        for part, metric, figure in rows
    ]
    table = "\n".join(
        f"| {part} | {metric} | {figure['value']:.4g} | {figure['low']:.4g} to {figure['high']:.4g} |"
        for part, metric, figure in rows
    )
    title = f"## Evaluation\nOn {told}, by `minifaces evaluate`; 95 % intervals.\n\n| | | | |\n|---|---|---|---|\n"
    made.text = re.sub(r"\n## Evaluation\n.*?(?=\n## |\Z)", "", made.text, flags=re.DOTALL).rstrip()
    made.text += f"\n\n{title}{table}\n"
    return str(made)


def _figures(report: Mapping[str, Any], model: str, prior: str) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """Part, metric and figure with its interval, of the model's own rows in the first table of each part."""
    try:
        found = [
            (part, metric, figure)
            for part, tables in report["parts"].items()
            for row in (model, f"{model}: {prior}")
            for metric, figure in next(iter(tables.values())).get(row, {}).items()
            if isinstance(figure, dict) and None not in figure.values()
        ]
        of = report["facts"]["model"]
    except (KeyError, TypeError, AttributeError, StopIteration):
        raise UsageError("the report is no report.json of `minifaces evaluate`") from None
    if of != model or not found:
        raise UsageError(f"the report is of the model {of}, not of {model}: evaluate this one")
    yield from found
