import pytest
from hypothesis import given
from hypothesis import strategies as st

from cap_planner.guard_latch import StopFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'stop'


def test_a_stop_is_read_by_the_next_process_until_it_is_removed(path):
    assert StopFile(path).read() is None
    StopFile(path).write('stopped by ann: smoke')
    StopFile(path).write('stopped by bob: "fire"\nand a second line')
    assert StopFile(path).read() == 'stopped by bob: "fire"\nand a second line'
    StopFile(path).remove()
    assert StopFile(path).read() is None
    StopFile(path).remove()


@given(st.binary(max_size=50))
def test_no_damage_to_the_file_sets_free(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / 'damaged'
    path.write_bytes(content)
    reason = StopFile(path).read()
    assert reason
    assert '\0' not in reason


@given(st.text(alphabet=st.characters(exclude_categories=[], exclude_characters='\0'), min_size=1))
def test_every_reason_can_be_kept(tmp_path_factory, reason):
    file = StopFile(tmp_path_factory.getbasetemp() / 'kept')
    file.write(reason)
    assert file.read() == reason.encode(errors='replace').decode()


def test_what_cannot_be_read_is_a_stop(path):
    path.mkdir()
    assert 'Is a directory' in StopFile(path).read()


def test_without_its_folder_nobody_knows(path):
    file = StopFile(path / 'of' / 'nobody')
    assert 'is gone' in file.read()
    with pytest.raises(FileNotFoundError):
        file.write('stopped')
    file.remove()


def test_without_a_path_nothing_is_kept():
    file = StopFile(None)
    file.write('stopped')
    assert file.read() is None
    file.remove()
