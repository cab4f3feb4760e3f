"""Tells the version of the installed distribution."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as of_package


def version() -> str:
    try:
        return of_package("bureau-jobs")
    except PackageNotFoundError:  # run from a checkout or in an image, which hold the folders alone
        return "dev"
