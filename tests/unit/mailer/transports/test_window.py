"""The time in which a mail may be handed over, and the wire that is cut at its end."""

import socket
import threading

import pytest

from bureau.services.mailer.transports.base import DeliveryWindow, TransportUnavailable
from bureau.services.mailer.transports.interruptible_socket import InterruptibleSocket


def test_handing_over_must_begin_within_thirty_seconds_of_the_intent() -> None:
    times = iter([100.0, 130.0, 130.1])
    window = DeliveryWindow(clock=lambda: next(times))
    window.check_begin()
    with pytest.raises(TransportUnavailable, match="ready only after 30 s, the limit is 30 s"):
        window.check_begin()


def test_a_delivery_that_runs_at_the_end_of_its_window_is_cut_off() -> None:
    cut = threading.Event()
    with DeliveryWindow(end_within=0.05).cutting_off(cut.set):
        assert cut.wait(5)


def test_a_window_that_is_over_cuts_at_once() -> None:
    times = iter([0.0, 500.0])
    cut = threading.Event()
    with DeliveryWindow(clock=lambda: next(times)).cutting_off(cut.set):
        assert cut.wait(5)


def test_a_delivery_that_ended_in_time_is_not_cut_off() -> None:
    cut = threading.Event()
    with DeliveryWindow(end_within=0.05).cutting_off(cut.set):
        pass
    assert not cut.wait(0.2)


@pytest.fixture
def pair() -> "tuple[socket.socket, socket.socket]":
    return socket.socketpair()


def test_a_cut_wakes_who_blocks_in_the_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    wire = InterruptibleSocket()
    wire.attach(pair[0])
    reading = threading.Thread(target=lambda: pair[0].recv(1))
    reading.start()
    wire.cut()
    reading.join(5)
    assert not reading.is_alive()


def test_a_wire_once_cut_takes_no_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    wire = InterruptibleSocket()
    wire.cut()
    with pytest.raises(ConnectionAbortedError):
        wire.attach(pair[0])
    with pytest.raises(ConnectionAbortedError):
        wire.commit()


def test_an_interrupt_after_the_handing_over_began_does_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    wire = InterruptibleSocket()
    wire.attach(pair[0])
    wire.commit()
    wire.interrupt()
    pair[0].sendall(b"x")
    wire.cut()
    with pytest.raises(OSError, match="pipe"):
        pair[0].sendall(b"x")


def test_an_interrupt_before_it_means_that_it_cannot_begin(pair: tuple[socket.socket, socket.socket]) -> None:
    wire = InterruptibleSocket()
    wire.attach(pair[0])
    wire.interrupt()
    with pytest.raises(ConnectionAbortedError):
        wire.commit()


def test_a_late_cut_does_not_hit_the_next_mail(pair: tuple[socket.socket, socket.socket]) -> None:
    wire = InterruptibleSocket()
    wire.attach(pair[0])
    wire.detach()
    wire.cut()
    pair[0].sendall(b"x")
    assert pair[1].recv(1) == b"x"
