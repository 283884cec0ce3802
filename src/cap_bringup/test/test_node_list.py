"""The node list, the launch file and config/ hold together."""

import ast

import pytest
import yaml

from cap_bringup.cli import _parser
from cap_bringup.node_list import TABLETOP_ARGUMENTS, tabletop
from cap_bringup.workspace import ROOT

DEFAULTS = {argument.name: argument.default for argument in TABLETOP_ARGUMENTS}


def test_every_node_has_its_parameters():
    for spec in tabletop(DEFAULTS):
        content = yaml.safe_load((ROOT / 'config' / f'{spec.name}.yaml').read_text())
        assert set(content) == {f'/**/{spec.name}'}
        known = content[f'/**/{spec.name}']['ros__parameters']
        # What the list sets is either a default of the file or has none, such as the model.
        assert known, spec.name


def test_arguments_reach_their_nodes():
    specs = {spec.name: spec for spec in tabletop({**DEFAULTS, 'seed': '7', 'model': 'replay:x'})}
    assert specs['sim'].parameters['seed'] == 7
    assert specs['planner'].parameters['model'] == 'replay:x'


def test_a_seed_that_is_no_number():
    with pytest.raises(ValueError, match='seven'):
        tabletop({**DEFAULTS, 'seed': 'seven'})


@pytest.mark.parametrize('command', ['demo', 'up'])
def test_the_command_line_has_an_option_for_every_argument(command):
    words = [command] + (['tabletop'] if command == 'up' else [])
    for argument in TABLETOP_ARGUMENTS:
        option = f'--{argument.name.replace("_", "-")}'
        parsed = _parser().parse_args([*words, option, 'x'])
        assert getattr(parsed, f'launch_{argument.name}') == 'x'


def test_the_launch_file_takes_nodes_and_arguments_from_the_list():
    """The launch packages are on ROS machines only; that it runs there is tried by hand."""
    tree = ast.parse((ROOT / 'launch/tabletop.launch.py').read_text())
    (imported,) = [
        {alias.name for alias in node.names}
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == 'cap_bringup.node_list'
    ]
    assert {'TABLETOP_ARGUMENTS', 'tabletop', 'ENVIRONMENT'} <= imported
    names = {spec.executable for spec in tabletop(DEFAULTS)}
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert not names & constants, 'no node is listed a second time'
