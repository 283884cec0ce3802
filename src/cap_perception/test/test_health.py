"""Why there is no scene, in words that stay the same for as long as the reason does."""

import pytest

from cap_perception.health import Health, Level


@pytest.fixture
def health(clock):
    return Health(['color', 'depth'], 1.0, clock)


def picture(health, *, use=True):
    for topic in ('color', 'depth'):
        health.heard(topic)
    health.complete()
    health.begun()
    if use:
        health.used(0.02, 0.03)
    health.ended()


def test_nothing_ever_came(health):
    report = health.report()
    assert (report.level, report.message) == (Level.STALE, 'nothing yet on color, depth')
    assert report.values['age of color [s]'] == 'never'


def test_pictures_that_come_and_stop(health, clock):
    for _ in range(11):
        picture(health)
        clock.now += 0.1
    report = health.report()
    assert report.level == Level.OK
    assert report.values['rate [Hz]'] == '10.0'
    assert report.values['detector [ms]'] == '20.0'
    clock.now += 1.0
    assert health.report().message == 'nothing more on color, depth'
    clock.now += 10.0
    assert health.report().message == 'nothing more on color, depth', 'the same reason'
    picture(health)
    assert health.report().level == Level.OK


def test_one_input_alone(health, clock):
    picture(health)
    clock.now += 1.5
    health.heard('depth')
    assert health.report().message == 'nothing more on color, only on depth'


def test_stamps_that_never_meet(health, clock):
    picture(health)
    for _ in range(3):
        clock.now += 0.5
        health.heard('color')
        health.heard('depth')
    report = health.report()
    assert report.level == Level.ERROR
    assert report.message == 'color, depth come, but never with the same stamp'


def test_pictures_of_no_use(health):
    picture(health, use=False)
    health.failed('too dark')
    report = health.report()
    assert (report.level, report.message) == (Level.ERROR, 'too dark')
    picture(health)
    report = health.report()
    assert report.level == Level.OK
    assert report.values['last error'] == 'too dark'


def test_a_detector_that_takes_its_time(health, clock):
    picture(health)
    health.begun()
    clock.now += 1.2
    for topic in ('color', 'depth'):
        health.heard(topic)
    health.complete()
    assert health.report().message == 'the detector takes over 1 s for a picture'


def test_losses_are_counted(health, clock):
    for _ in range(3):
        picture(health)
    health.lost(2)
    health.skipped(1)
    report = health.report()
    assert report.level == Level.WARN
    assert report.values['pictures lost'] == '2'
    assert report.values['pictures skipped for newer ones'] == '1'
    clock.now += 6.0
    picture(health)
    report = health.report()
    assert report.level == Level.OK
    assert report.values['pictures lost in 5 s'] == '0'
    assert report.values['pictures lost'] == '2'
