import subprocess

import pytest

from cap_bringup import workspace


def test_fingerprints_know_the_distribution():
    jazzy, kilted = (workspace.fingerprints(distro) for distro in workspace.DISTROS)
    assert jazzy['python'] == kilted['python']
    assert jazzy['packages'] != kilted['packages']
    assert jazzy['build'] != kilted['build']


def test_lock_files_pin_every_package_with_a_hash():
    for distro in workspace.DISTROS:
        text = workspace.requirements(distro).read_text()
        entries = [line for line in text.splitlines() if line and line[0] not in ' #']
        assert len(entries) > 100
        assert all('==' in entry for entry in entries)
        assert text.count('--hash=sha256:') >= len(entries)
        assert '://' not in text, 'no registry is named'


def test_missing_packages_are_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(workspace.SYSTEM_PACKAGES, 'cmake', lambda: False)
    monkeypatch.setattr(workspace.shutil, 'which', lambda _: None)
    with pytest.raises(workspace.SetupError, match=r'apt-get install .*cmake'):
        workspace.install_system_packages()


def test_a_failing_step_shows_the_end_of_its_output(monkeypatch, tmp_path):
    monkeypatch.setattr(workspace, 'LOG', tmp_path / 'setup.log')
    with pytest.raises(workspace.SetupError, match='no such compiler'):
        workspace.run(['bash', '-c', 'echo no such compiler; exit 3'])
    assert 'no such compiler' in (tmp_path / 'setup.log').read_text()


def test_the_cap_script_is_sound():
    subprocess.run(['bash', '-n', workspace.ROOT / 'cap'], check=True)
