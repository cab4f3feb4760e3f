"""An interrupt lands in the task's function and nowhere else, however often and whenever it is sent."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bureau.runtime.execution import interrupt as interrupts
from bureau.runtime.execution.interrupt import Interrupt, Interrupted
from bureau.stop_token import StopReason, StopToken
from tests.support.waiting import until

ROUNDS = 1_000_000  # never reached: the tests end when they have seen enough
ENOUGH = 25


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Interrupts that wait for nothing, in an interpreter whose threads take turns as often as they can."""
    monkeypatch.setattr(interrupts, "FIRST_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(interrupts, "AGAIN_AFTER_SECONDS", 0.0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def stopped() -> StopToken:
    token = StopToken()
    token.set(StopReason.CANCELLED)
    return token


class Hammer:
    """A thread that interrupts whatever is being called, without a pause."""

    def __init__(self) -> None:
        self.target: Interrupt | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._strike, daemon=True)

    def _strike(self) -> None:
        while not self._over.is_set():
            if (target := self.target) is not None:
                target.send_if_due()

    @contextmanager
    def swinging(self) -> Iterator["Hammer"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join(30)


def busy(rounds: int = 30) -> int:
    total = 0
    for number in range(rounds):
        total += number
    return total


def spin_for_ever() -> None:
    while True:
        busy()


def sent_until(one: Interrupt, came: list[BaseException]) -> bool:
    one.send_if_due()
    return came != []


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_no_interrupt_is_raised_outside_of_the_function() -> None:
    """The last instructions of a call and the first after it are where one could get out."""
    landed = inside = 0
    with Hammer().swinging() as hammer:
        for number in range(ROUNDS):
            one = Interrupt(stopped())
            try:
                hammer.target = one
                try:
                    one.call(lambda: busy(number % 50 * 40))  # noqa: B023 - called at once
                except Interrupted:
                    inside += 1
                busy()
            except Interrupted:
                landed += 1
            if inside >= ENOUGH:
                break
    assert (landed, inside) == (0, ENOUGH)


def test_no_interrupt_is_raised_where_it_is_held_off() -> None:
    """A lock that is taken there is always given back, and what is begun there is ended."""
    lock = threading.Lock()
    begun = ended = inside = 0

    def work() -> None:
        nonlocal begun, ended
        for _ in range(20):
            with one.held_off():
                lock.acquire()
                begun += 1
                busy()
                ended += 1
                lock.release()
            busy()

    with Hammer().swinging() as hammer:
        for _ in range(ROUNDS):
            one = Interrupt(stopped())
            hammer.target = one
            try:
                one.call(work)
            except Interrupted:
                inside += 1
                assert begun == ended
                assert not lock.locked()
            if inside >= ENOUGH:
                break
    assert (begun, inside) == (ended, ENOUGH)


def test_the_tasks_own_code_inside_of_such_a_block_can_be_interrupted() -> None:
    one = Interrupt(stopped())

    def work() -> None:
        with one.held_off(), one.let_in():
            spin_for_ever()

    with Hammer().swinging() as hammer:
        hammer.target = one
        with pytest.raises(Interrupted):
            one.call(work)
    assert one.sent


def test_a_block_that_is_left_open_arms_nothing_afterwards() -> None:
    """As a generator that is collected later: by then the thread runs something else."""
    one = Interrupt(stopped())
    left = []

    def work() -> None:
        block = one.held_off()
        block.__enter__()
        left.append(block)

    one.call(work)
    left[0].__exit__(None, None, None)
    one.send_if_due()
    busy()
    assert not one.sent


def test_another_thread_of_the_task_may_use_its_context() -> None:
    one = Interrupt(stopped())

    def work() -> None:
        def other() -> None:
            with one.held_off():
                busy()

        in_thread(other).join(30)
        one.send_if_due()
        busy()

    with pytest.raises(Interrupted):
        one.call(work)


def test_no_interrupt_is_sent_before_the_stop_token_is_set() -> None:
    one = Interrupt(StopToken())

    def work() -> int:
        one.send_if_due()
        return busy()

    assert one.call(work) == busy()
    assert not one.sent


def test_a_function_that_noticed_the_stop_has_time_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "AGAIN_AFTER_SECONDS", 3600.0)
    token = StopToken()
    one = Interrupt(token)

    def work() -> str:
        token.set(StopReason.CANCELLED)
        try:
            token.check()
        except BaseException:  # noqa: BLE001 - as a task's own clean-up
            one.send_if_due()
            busy()
            return "cleaned up"
        return "not reached"

    assert one.call(work) == "cleaned up"


@pytest.mark.parametrize("kind", [Exception, BaseException])
def test_an_interrupt_that_is_swallowed_comes_again(kind: type[BaseException]) -> None:
    one = Interrupt(stopped())
    swallowed = 0

    def work() -> None:
        nonlocal swallowed
        try:
            spin_for_ever()
        except kind:
            swallowed += 1
        spin_for_ever()

    with Hammer().swinging() as hammer:
        hammer.target = one
        with pytest.raises(Interrupted):
            one.call(work)
    assert swallowed <= (kind is BaseException)


def test_a_thread_that_writes_a_log_record_is_left_alone() -> None:
    """The lock of a handler belongs to all threads: an interrupt after it was taken would silence the process."""
    entered, go_on = threading.Event(), threading.Event()
    one = Interrupt(stopped())
    came: list[BaseException] = []

    class Slow(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            entered.set()
            while not go_on.is_set():
                busy()

    logger = logging.getLogger("tests.interrupt")
    handler = Slow()
    logger.addHandler(handler)
    logger.propagate = False

    def work() -> None:
        logger.error("a record")
        spin_for_ever()

    def run() -> None:
        try:
            one.call(work)
        except Interrupted as error:
            came.append(error)

    thread = in_thread(run)
    try:
        assert entered.wait(30)
        for _ in range(1000):
            one.send_if_due()
        assert not one.sent
        go_on.set()
        until(lambda: sent_until(one, came), 30)
        thread.join(30)
        assert handler.lock is not None
        assert handler.lock.acquire(blocking=False)  # a thread that died with it would have kept it
        handler.lock.release()
    finally:
        go_on.set()
        logger.removeHandler(handler)


def test_a_thread_that_imports_a_module_is_left_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    entered, go_on = threading.Event(), threading.Event()
    folder = tmp_path_factory.mktemp("modules")
    (folder / "slow_to_import.py").write_text(
        "import tests.unit.runtime.test_interrupt as test\n"
        "test.GATE[0].set()\n"
        "while not test.GATE[1].is_set():\n"
        "    test.busy()\n"
    )
    GATE[:] = [entered, go_on]
    one = Interrupt(stopped())
    came: list[BaseException] = []

    def work() -> None:
        import slow_to_import  # type: ignore[import-not-found]

        assert slow_to_import
        spin_for_ever()

    def run() -> None:
        try:
            one.call(work)
        except Interrupted as error:
            came.append(error)

    sys.path.insert(0, str(folder))
    try:
        thread = in_thread(run)
        assert entered.wait(30)
        for _ in range(1000):
            one.send_if_due()
        assert not one.sent
        go_on.set()
        until(lambda: sent_until(one, came), 30)
        thread.join(30)
        assert "slow_to_import" in sys.modules
    finally:
        go_on.set()
        sys.path.remove(str(folder))
        sys.modules.pop("slow_to_import", None)


GATE: list[threading.Event] = []
