"""Returns the version of the installed distribution."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as of_package


def version() -> str:
    try:
        return of_package("bureau-jobs")
    except PackageNotFoundError:  # in a checkout or an image, which have only the folders
        return "dev"
