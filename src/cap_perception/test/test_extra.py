"""Detectors whose packages or weights are missing say so, and name what to install or where."""

import sys
from dataclasses import replace

import pytest

from cap_perception.detector import make_detector
from cap_perception.detectors.extra import MissingPackageError, MissingWeightsError

NEURAL = {
    'mdetr': ('torch', {'folder', 'weights'}),
    'vild': ('tensorflow', {'folder', 'embeddings'}),
    'owlv2': ('torch', {'folder'}),
    'grounding_dino': ('torch', {'folder'}),
}


def make(parameters, name, **paths):
    mine = replace(getattr(parameters, name), **paths)
    return make_detector(name, replace(parameters, **{name: mine}))


@pytest.mark.parametrize('name', NEURAL)
def test_a_missing_package_names_the_extra(name, parameters, tmp_path, monkeypatch):
    package, paths = NEURAL[name]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingPackageError, match=rf"'{name}'.*'{package}' of the extra \[neural\]"
    ):
        make(parameters, name, **dict.fromkeys(paths, str(tmp_path)))


@pytest.mark.parametrize(
    ('name', 'path'), [(n, p) for n, (_, ps) in NEURAL.items() for p in sorted(ps)]
)
def test_missing_weights_name_parameter_and_path(name, path, parameters, tmp_path):
    there = dict.fromkeys(NEURAL[name][1], str(tmp_path))
    with pytest.raises(MissingWeightsError, match=rf'{name}\.{path} of perception is empty'):
        make(parameters, name, **{**there, path: ''})
    with pytest.raises(MissingWeightsError, match=rf'no {tmp_path}/x \(parameter {name}\.{path}'):
        make(parameters, name, **{**there, path: f'{tmp_path}/x'})


def test_paths_may_be_of_a_home(parameters, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(MissingWeightsError, match=f'no {tmp_path}/models/owl'):
        make(parameters, 'owlv2', folder='~/models/owl')
