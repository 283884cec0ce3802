"""Messages of one stamp, and the newest of them."""

import threading

from cap_perception.sync import Slot, StampSynchronizer


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


def test_a_slot_has_the_newest():
    slot = Slot()
    assert [slot.put(1), slot.put(2)] == [False, True]
    assert slot.take() == 2
    assert not slot.put(3)


def test_a_closed_slot_lets_go():
    slot, taken = Slot(), []
    taker = threading.Thread(target=lambda: taken.append(slot.take()))
    taker.start()
    slot.close()
    taker.join(10.0)
    assert taken == [None]
