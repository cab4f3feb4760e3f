"""Provides pytest fixtures that run all of Bureau in the process of pytest, without servers; see docs/testing.md.

    # conftest.py
    pytest_plugins = ["bureau.testing"]

    # test_shop.py
    def test_two_and_two_is_four(bureau):
        assert bureau.submit(suma, a=2, b=2).wait(10).result() == 4

Needs `pip install 'bureau-jobs[embedded]' pytest`.
"""

from bureau.in_process.client import BureauInProcess
from bureau.in_process.outbox import Outbox
from bureau.testing.fixtures import bureau, bureau_process, bureau_settings

__all__ = ["BureauInProcess", "Outbox", "bureau", "bureau_process", "bureau_settings"]
