"""Messages of one stamp, and the newest of them."""

import threading

from cap_perception.sync import Backlog, StampSynchronizer


def test_a_set_is_complete_once_in_the_order_of_the_topics():
    sync = StampSynchronizer(['a', 'b', 'c'])
    assert sync.add('c', 1, 'c1') is None
    assert sync.add('a', 1, 'a1') is None
    assert sync.add('b', 1, 'b1') == ('a1', 'b1', 'c1')
    assert sync.add('b', 1, 'b1') is None


def test_older_sets_are_dropped():
    sync = StampSynchronizer(['a', 'b'])
    sync.add('a', 1, 'a1')
    sync.add('a', 2, 'a2')
    assert sync.add('b', 2, 'b2') == ('a2', 'b2')
    assert sync.add('b', 1, 'b1') is None


def test_what_never_completes_is_forgotten():
    sync = StampSynchronizer(['a', 'b'], pending=3)
    for stamp in (10, 11, 12, 13):
        sync.add('a', stamp, stamp)
    assert sync.add('b', 10, 'late') is None
    assert sync.add('b', 13, 'b') == (13, 'b')


def test_a_clock_that_begins_anew():
    sync = StampSynchronizer(['a', 'b'], pending=3)
    for stamp in range(100, 110):
        sync.add('a', stamp, stamp)
    sync.add('a', 1, 'a1')
    assert sync.add('b', 1, 'b1') == ('a1', 'b1')


def test_what_is_lost_is_counted_once():
    sync = StampSynchronizer(['a', 'b'], pending=3)
    for stamp in range(1, 6):
        sync.add('a', stamp, stamp)
    sync.add('b', 5, 'b')
    assert (sync.take_lost(), sync.take_lost()) == (4, 0)


def test_what_waits_is_taken_in_order(clock):
    waiting = Backlog(patience_s=1.0, clock=clock)
    for item in (1, 2, 3):
        waiting.put(item)
    clock.now += 1.0
    assert [waiting.take(), waiting.take(), waiting.take()] == [1, 2, 3]
    assert (len(waiting), waiting.take_skipped()) == (0, 0)


def test_what_waits_too_long_is_skipped_for_newer_ones(clock):
    waiting = Backlog(patience_s=1.0, clock=clock)
    waiting.put(1)
    clock.now += 0.8
    waiting.put(2)
    clock.now += 0.8
    assert (waiting.take(), waiting.take_skipped()) == (2, 1)
    for item in (3, 4, 5):
        waiting.put(item)
        clock.now += 0.4
    assert (waiting.take(), waiting.take_skipped()) == (5, 2), 'no older one, though 4 might wait'
    waiting.put(3)
    clock.now += 5.0
    assert waiting.take() == 3, 'nothing newer'
    assert waiting.take_skipped() == 0


def test_nothing_heaps_up_where_nobody_takes(clock):
    waiting = Backlog(patience_s=1.0, clock=clock)
    for item in range(100):
        waiting.put(item)
        clock.now += 0.3
    assert (len(waiting), waiting.take_skipped()) == (4, 96)


def test_a_backlog_is_idle_when_the_taker_waits_again(clock):
    waiting = Backlog(patience_s=1.0, clock=clock)
    assert waiting.is_idle()
    waiting.put(1)
    assert not waiting.is_idle()
    waiting.take()
    assert not waiting.is_idle(), 'it is being used'
    waiting.put(2)
    waiting.clear()
    assert (len(waiting), waiting.take_skipped()) == (0, 0)


def test_a_closed_backlog_lets_go():
    waiting, taken = Backlog(1.0), []
    taker = threading.Thread(target=lambda: taken.append(waiting.take()))
    taker.start()
    waiting.close()
    taker.join(10.0)
    assert taken == [None]
