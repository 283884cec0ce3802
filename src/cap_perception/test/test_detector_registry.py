"""Providers by name, imported only when chosen."""

import subprocess
import sys

import pytest

from cap_perception.detector import UnknownProviderError, make_detector
from cap_perception.sources import make_source


def test_unknown_names_say_what_exists(parameters):
    with pytest.raises(UnknownProviderError, match=r"no detector named 'crystal ball'.*color"):
        make_detector('crystal ball', parameters)
    with pytest.raises(UnknownProviderError, match=r"'crystal ball'.*camera.*ground_truth"):
        make_source('crystal ball', None, parameters, print)


def test_what_is_not_chosen_is_not_imported():
    code = (
        'import sys; import cap_perception.node; '
        'print([m for m in sys.modules if m in ("cap_perception.ground_truth", '
        '"cap_perception.camera_source", "cap_perception.detectors.color")])'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == '[]'
