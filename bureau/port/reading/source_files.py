"""Finds the Python files of a project that may use Celery, and the module that each one is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED = frozenset(
    {"node_modules", "site-packages", "__pycache__", "build", "dist", "venv", "env", ".git", ".tox", ".venv"}
)
# Only such files are parsed, because most files of a project have nothing to do with tasks.
_MENTION = re.compile(
    r"celery|kombu|billiard|shared_task|\.delay\b|delay_on_commit|apply_async|send_task|AsyncResult|CELERY|"
    r"\.(?:register_)?task\b|django_celery",
    re.IGNORECASE,
)

_DECORATOR = re.compile(r"^\s*@(?:\w+\.)*(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class SourceFile:
    """Names a file and the module that it is; `package` is the package that its relative imports begin at."""

    path: Path
    shown: str
    module: str
    package: str

    def text(self) -> str:
        """Returns the file's text. Raises `OSError` and `UnicodeDecodeError`."""
        return self.path.read_bytes().decode("utf-8-sig")


def source_files(root: Path) -> list[SourceFile]:
    """Returns the project's Python files. Raises `FileNotFoundError`."""
    if not root.exists():
        raise FileNotFoundError(f"{root}: there is no such file or folder")
    if root.is_file():
        return [_source_file(root, root.parent)]
    return [_source_file(path, root) for path in sorted(_python_files(root))]


def mentions_celery(text: str) -> bool:
    return _MENTION.search(text) is not None


def uses_decorator(text: str, names: frozenset[str]) -> bool:
    """Tells whether one of these names decorates something."""
    return bool(names) and not names.isdisjoint(_DECORATOR.findall(text))


def _python_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():  # a link may lead out of the project, or around in a circle
            continue
        if path.is_dir():
            if path.name not in SKIPPED and not path.name.startswith("."):
                yield from _python_files(path)
        elif path.suffix == ".py":
            yield path


def _source_file(path: Path, root: Path) -> SourceFile:
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while folder != folder.parent and _is_package(folder, root):
        parts.insert(0, folder.name)
        folder = folder.parent
    module = ".".join(parts) or path.stem
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    return SourceFile(path, str(path.relative_to(root)), module, package)


def _is_package(folder: Path, root: Path) -> bool:
    """Tells whether a folder is a package. Folders without an `__init__.py` are packages below the project's root."""
    return (folder / "__init__.py").exists() or (folder != root and root in folder.parents and folder.name != "src")
