"""What every way to the Hub shares: whether the library is there, what is a name on it, what went wrong."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minifaces.errors import MinifacesError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""what `user/model` may be; the library itself knows some more rules"""


def is_name(text: str) -> bool:
    """Whether a text could be the name of something on the Hub: `user/model`."""
    return _NAME.fullmatch(text) is not None


def check_name(text: str, what: str) -> str:
    """The name of a `what` on the Hub. Raises UsageError where it is none."""
    if not is_name(text):
        raise UsageError(f"{text or repr('')} is no {what} on the Hugging Face Hub: name it as user/{what}")
    return text


def library(name: str) -> Any:
    """The module huggingface_hub, for something of the Hub. Raises UsageError where it is not installed."""
    if find_spec("huggingface_hub") is None:
        raise UsageError(
            f"{name} is no folder; the Hugging Face Hub needs huggingface_hub: pip install 'minifaces[hub]'"
        )
    import huggingface_hub

    return huggingface_hub


def publish(
    name: str,
    what: str,
    files: Mapping[str, Path],
    ours: Callable[[str], bool],
    message: str,
    private: bool = False,
    kept: str | None = None,
) -> str:
    """Put `files`, by their places in it, into the repository of a `what` as one commit, and make it if need be; -> the
    commit. What is `ours` there and not among them is deleted, anything else stays, and so does what is `kept`."""
    hub = library(name)
    with asking(name, what):
        api = hub.HfApi()
        api.create_repo(name, repo_type=what, private=private, exist_ok=True)
        there = set(api.list_repo_files(name, repo_type=what))
        changes = [
            hub.CommitOperationAdd(place, str(file))
            for place, file in sorted(files.items())
            if place != kept or place not in there
        ]
        changes += [hub.CommitOperationDelete(place) for place in sorted(there - files.keys()) if ours(place)]
        return str(api.create_commit(name, changes, commit_message=message, repo_type=what).oid)


@contextmanager
def asking(name: str, what: str) -> Iterator[None]:
    """Tell in one line what kept the Hub from answering. Whatever transport the library uses may fail in its own
    way, so that all errors are meant."""
    try:
        yield
    except MinifacesError:
        raise
    except Exception as error:
        raise _told(error, name, what) from error


def _told(error: Exception, name: str, what: str) -> MinifacesError:
    from huggingface_hub import constants, errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.RevisionNotFoundError):
        return UsageError(f"the {what} {name} has no such revision on the Hub")
    if isinstance(error, errors.RepositoryNotFoundError) and status != 401:
        return UsageError(f"there is no {what} {name} on the Hub, or it is private: check the name and your log-in")
    if status in (401, 403):
        return MinifacesError(f"the Hub refuses {name}: check the name, and log in with `hf auth login` or HF_TOKEN")
    if constants.is_offline_mode():
        return MinifacesError(f"{name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    if isinstance(error, errors.HFValidationError):
        return UsageError(f"{name} is no {what} on the Hugging Face Hub: {_first_line(error)}")
    return MinifacesError(f"the Hub could not be reached for {name}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
