"""The node list, the launch file and config/ hold together."""

import ast
import xml.etree.ElementTree as ET

import pytest
import yaml

from cap_bringup.cli import _launch_arguments, _parser
from cap_bringup.node_list import (
    CELL,
    FILES,
    TABLETOP_ARGUMENTS,
    process_environment,
    robot_description,
    tabletop,
)
from cap_bringup.workspace import ROOT
from cap_common.config import parameter_types
from cap_perception.parameters import PerceptionParameters
from cap_perception.sources import SOURCES
from cap_planner.domains import DOMAINS
from cap_planner.guard_node import GuardParameters
from cap_planner.node import PlannerParameters
from cap_sim.layout import BLOCKS, FRUITS, WHITEBOARD
from cap_sim.node import NodeParameters
from cap_skills.parameters import SkillsParameters

PARAMETERS = {
    'sim': NodeParameters,
    'perception': PerceptionParameters,
    'skills': SkillsParameters,
    'guard': GuardParameters,
    'planner': PlannerParameters,
}


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which yaml would take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f'a key stands twice: {keys}'
        return super().construct_mapping(node, deep)


def config_of(node):
    text = (ROOT / 'config' / f'{node}.yaml').read_text()
    content = yaml.load(text, StrictLoader)
    assert set(content) == {f'/**/{node}'}
    return content[f'/**/{node}']['ros__parameters']


def flat(values, prefix=''):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{name}.')
        else:
            yield prefix + name


def test_config_has_a_value_for_each_parameter_and_none_that_nobody_reads():
    assert [spec.name for spec in tabletop({})] == list(PARAMETERS)
    for node, cls in PARAMETERS.items():
        in_code, in_file = set(parameter_types(cls)), set(flat(config_of(node)))
        assert in_file <= in_code, node
        assert set(flat(of_the_whiteboard(node))) <= in_file, node
        rest = {name for name in in_code - in_file if not name.startswith('sandbox.')}
        assert rest <= {'robot_description'}, node


def of_the_whiteboard(node):
    content = yaml.load((ROOT / 'config/whiteboard.yaml').read_text(), StrictLoader)
    assert {name.removeprefix('/**/') for name in content} <= set(PARAMETERS)
    return content.get(f'/**/{node}', {'ros__parameters': {}})['ros__parameters']


def test_arguments_are_parameters_of_their_nodes():
    cell = yaml.safe_load((ROOT / 'config/cell.yaml').read_text())
    for argument in [a for a in TABLETOP_ARGUMENTS if a.node != FILES]:
        values = cell if argument.node == CELL else config_of(argument.node)
        assert isinstance(values[argument.name], argument.kind)


def links(specs, name):
    (spec,) = [spec for spec in specs if spec.name == name]
    urdf = robot_description(spec, ROOT / 'config')
    return {link.attrib['name'] for link in ET.fromstring(urdf).findall('link')}


def test_the_cell_is_as_config_and_arguments_have_it():
    for name in ('sim', 'skills'):
        assert 'cup_link' in links(tabletop({}), name)
        assert 'jaw_link' in links(tabletop({'tool': 'jaw'}), name)
        assert {'whiteboard', 'eraser'} <= links(tabletop({'domain': 'whiteboard'}), name)
    guard = next(spec for spec in tabletop({}) if spec.name == 'guard')
    assert robot_description(guard, ROOT / 'config') == ''


def test_the_whiteboard_has_a_configuration_of_its_own():
    specs = {spec.name: spec for spec in tabletop({'domain': 'whiteboard', 'world': 'fruits'})}
    assert specs['sim'].config == ('sim.yaml', 'whiteboard.yaml')
    assert specs['sim'].parameters == {'world': 'fruits'}
    assert all(spec.config == (f'{spec.name}.yaml',) for spec in tabletop({}))


def test_a_noisy_camera_is_a_file_on_top_of_the_simulators():
    specs = {spec.name: spec for spec in tabletop({'camera': 'noisy', 'domain': 'whiteboard'})}
    assert specs['sim'].config == ('sim.yaml', 'whiteboard.yaml', 'noisy.yaml')
    assert specs['skills'].config == ('skills.yaml', 'whiteboard.yaml')
    content = yaml.load((ROOT / 'config/noisy.yaml').read_text(), StrictLoader)
    noisy = content['/**/sim']['ros__parameters']
    assert set(flat(noisy)) <= set(flat(config_of('sim')))


def test_arguments_reach_their_nodes_and_nothing_else_does():
    specs = {spec.name: spec for spec in tabletop({'seed': '7', 'model': 'replay:x', 'bowls': ''})}
    assert specs['sim'].parameters == {'seed': 7}
    assert specs['planner'].parameters == {'model': 'replay:x'}
    assert specs['guard'].parameters == {}


def test_the_world_of_fruits_has_its_detector_and_phrases():
    def detector(arguments):
        specs = {spec.name: spec for spec in tabletop(arguments)}
        return specs['perception'].parameters.get('detector')

    assert detector({'world': 'fruits'}) == 'color_size'
    assert detector({'world': 'fruits', 'detector': 'mdetr'}) == 'mdetr'
    assert detector({'world': 'blocks'}) is None
    assert detector({}) is None
    perception = next(s for s in tabletop({'world': 'fruits'}) if s.name == 'perception')
    assert {'apple', 'plate'} <= set(perception.parameters['phrases'])


def test_what_there_is_without_an_argument_is_what_its_text_says():
    for argument in TABLETOP_ARGUMENTS:
        folder, _, file = argument.default.rpartition('/')
        if folder:
            assert (ROOT / 'config' / file).is_file()
        else:
            assert tabletop({argument.name: argument.default}) == tabletop({})


def test_a_seed_that_is_no_number():
    with pytest.raises(ValueError, match="seed is no int: 'seven'"):
        tabletop({'seed': 'seven'})


@pytest.mark.parametrize('command', ['demo', 'up'])
def test_the_command_line_has_an_option_for_every_argument(command):
    words = [command] + (['tabletop'] if command == 'up' else [])
    for argument in TABLETOP_ARGUMENTS:
        option = f'--{argument.name.replace("_", "-")}'
        text = argument.choices[-1] if argument.choices else '3'
        parsed = _parser().parse_args([*words, option, text])
        assert getattr(parsed, f'launch_{argument.name}') == text


def test_a_number_that_is_none_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(['demo', '--seed', 'seven'])
    assert ended.value.code == 2
    assert "seed is no int: 'seven'" in capsys.readouterr().err


def test_choices_are_all_that_there_are():
    choices = {a.name: a.choices for a in TABLETOP_ARGUMENTS if a.choices}
    assert choices == {
        'world': (BLOCKS, FRUITS, WHITEBOARD),
        'tool': ('suction', 'jaw', 'marker'),
        'camera': ('clean', 'noisy'),
        'source': tuple(SOURCES),
        'domain': tuple(DOMAINS),
    }


@pytest.mark.parametrize('words', [['up', 'tabletop'], ['run', 'x.py'], ['demo']])
def test_what_is_not_among_the_choices_is_a_usage_error(words, capsys):
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([*words, '--world', 'bogus'])
    assert ended.value.code == 2
    assert "no world 'bogus'; there are blocks, fruits, whiteboard" in capsys.readouterr().err
    with pytest.raises(ValueError, match='there are tabletop, whiteboard'):
        tabletop({'domain': 'bogus'})


def test_the_domain_reaches_the_planner():
    parsed = _parser().parse_args(['run', 'x.py', '--domain', 'whiteboard'])
    (planner,) = [s for s in tabletop(_launch_arguments(parsed)) if s.name == 'planner']
    assert planner.parameters == {'domain': 'whiteboard'}


def test_the_profile_of_a_linked_install_is_one_file(tmp_path):
    """Fast DDS 3 reads both variables, and complains of profiles that it has from another file."""
    (tmp_path / 'config').symlink_to(ROOT / 'config')
    environment = process_environment(tmp_path)
    named = {value for name, value in environment.items() if name.endswith('PROFILES_FILE')}
    assert named == {str(ROOT / 'config/fastdds.xml')}


def test_the_launch_file_takes_nodes_and_arguments_from_the_list():
    """The launch packages are on ROS machines only; that it runs there is tried by hand."""
    tree = ast.parse((ROOT / 'launch/tabletop.launch.py').read_text())
    (imported,) = [
        {alias.name for alias in node.names}
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == 'cap_bringup.node_list'
    ]
    assert {'TABLETOP_ARGUMENTS', 'tabletop', 'process_environment'} <= imported
    names = {spec.executable for spec in tabletop({})}
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert not names & constants, 'no node is listed a second time'
