"""Providers by name, imported only when chosen."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cap_perception.checked import CheckedDetector
from cap_perception.detector import UnknownProviderError, make_detector
from cap_perception.phrases import UnknownPhraseError
from cap_perception.pipeline import Pipeline
from cap_perception.sources import make_source
from cap_sim.layout import ObjectSpec


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


def test_the_detector_of_the_guide_is_one(cell, parameters, tmp_path, monkeypatch):
    """docs/perception.md: in under 40 lines, found by module and factory."""
    guide = (Path(__file__).parents[3] / 'docs/perception.md').read_text(encoding='utf-8')
    code = guide.split('```python\n')[1].split('```')[0]
    assert len(code.splitlines()) < 40
    (tmp_path / 'anything_in_the_guide.py').write_text(code, encoding='utf-8')
    monkeypatch.syspath_prepend(tmp_path)
    parameters = replace(parameters, phrases=('thing',))
    detector = make_detector('anything_in_the_guide:from_parameters', parameters)
    pipeline = Pipeline(CheckedDetector(detector, 'anything'), parameters)
    world = cell(ObjectSpec('block', 'red', (0.0, -0.3)), ObjectSpec('bowl', 'blue', (0.1, -0.6)))
    for _ in range(4):
        scene = pipeline.process(world.frame(2.0, 0.001))
    # The base of the arm stands there, too.
    seen = {thing.name: thing.workspace_from_box[:2, 3] for thing in scene.objects}
    truth = {name: pose[:2, 3] for name, pose in world.truth().items()}
    assert np.linalg.norm(seen['red thing'] - truth['red block']) < 0.005
    assert np.linalg.norm(seen['blue thing'] - truth['blue bowl']) < 0.005
    with pytest.raises(UnknownPhraseError, match=r"does not know \['block'\]"):
        detector.detect(world.frame(), ['block'])
