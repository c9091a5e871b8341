"""What each image is built from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What an image is built from."""

    containerfile: str
    inputs: tuple[str, ...]
    """Paths below the root: files, or directories with everything in them."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Build arguments: name and value."""


def _program(name: str, folder: str = "") -> Recipe:
    """One of the three Python programs, in the folder of its name unless another is given."""
    shared = ("requirements.lock", "crds/pyproject.toml", "crds/skyvern_crds")
    own = (f"{folder or name}/pyproject.toml", f"{folder or name}/skyvern_{name}")
    arguments = (("PROGRAM", name), *((("FOLDER", folder),) if folder else ()))
    return Recipe("operator/Containerfile", (*shared, *own), arguments)


RECIPES = {
    "browser": Recipe("browser-image/Containerfile", ("browser-image/bin",)),
    "runner": _program("runner", "browser-image"),
    "operator": _program("operator"),
    "apiserver": _program("apiserver"),
    "scripted": Recipe(
        "tests/Containerfile.scripted", ("requirements.lock", "tests/__init__.py", "tests/model", "tests/site")
    ),
}
"""`scripted` is the language model that follows a script, and the job-application site."""
