"""`./cap test`: what it prints; that it runs everything, every run of it shows."""

import io

from rich.console import Console

from cap_bringup import checks


def test_what_failed_is_named_without_markup(tmp_path, monkeypatch):
    monkeypatch.setattr(checks.sys, 'executable', 'false')
    console = Console(file=io.StringIO(), markup=False)
    assert checks.run_checks(tmp_path, ['-k', 'x'], console) == 1
    assert console.file.getvalue().splitlines()[-1] == 'failed: tests'
