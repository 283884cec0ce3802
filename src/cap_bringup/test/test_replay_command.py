"""`./cap replay`: the world of a record, and what is the same; the rest is a system test."""

import copy

import numpy as np
import pytest

from cap_bringup import cli
from cap_bringup.comparison import compare
from cap_bringup.replay import ReplayError, hidden_objects, models_for, order_of, world_for
from cap_bringup.stage import Stage, StageError
from cap_bringup.workspace import ROOT
from cap_common.config import read_config
from cap_description import cell_urdf
from cap_planner.evidence import Ending, EvidenceStore
from cap_planner.scene import Scene, SceneObject
from cap_sim.cell import Cell
from cap_sim.layout import ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.placement import parse_layout

BLOCK, BOWL = (0.04, 0.04, 0.04), (0.12, 0.12, 0.045)
SCENE = Scene(
    7,
    (
        SceneObject('blue bowl', 'bowl', 'blue', (-0.1, -0.5, 0.0212), BOWL, 0.0, True),
        SceneObject('red block', 'block', 'red', (0.1, -0.4, 0.0189), BLOCK, 0.5, True),
        SceneObject('blue block', 'block', 'blue', (0.1, -0.4, 0.0595), BLOCK, 0.6, False),
    ),
)


@pytest.fixture
def store(tmp_path):
    with EvidenceStore(tmp_path / 'evidence.db') as store:
        yield store


def make_record(store, scene=SCENE):
    record = store.begin('do it', 's', 'auto', program='say("x")', skip_verifier=True)
    if scene:
        record.world('before', scene.as_data())
    record.program('say("x")', {})
    for name, arguments, error in (
        ('look', {}, None),
        ('get_obj_pos', {'args': ['red block']}, None),
        ('put_first_on_second', {'args': ['red block', [0.1, -0.4]]}, 'LimitError: 1.4 m'),
    ):
        record.call_ended(record.call_started(name, arguments, 1), 0.1, error=error)
    record.end(Ending('failed', 'limit', 'too far'))
    return store.export(record.id)


def written_out(record):
    return world_for(record)['objects']


def test_the_world_is_written_out_with_what_stands_on_what(store):
    layout = parse_layout(written_out(make_record(store)))
    bowl, red, blue = layout.objects
    assert bowl == ObjectSpec('bowl', 'blue', (-0.1, -0.5))
    assert red == ObjectSpec('block', 'red', (0.1, -0.4), yaw=0.5), 'on the table, not in it'
    assert (blue.xy, blue.yaw) == ((0.1, -0.4), 0.6)
    assert blue.z == pytest.approx(0.0415), 'a little above where it was seen'


@pytest.mark.parametrize('seed', range(5))
def test_what_was_stacked_stays_so_under_physics(store, seed):
    """Seen with the camera's noise, built again, let go: everything rests where it was seen."""
    noise = np.random.default_rng(seed)
    resting = {
        'red block': (0.1, -0.4, 0.02),
        'blue block': (0.1, -0.4, 0.06),
        'green block': (0.105, -0.398, 0.1),
        'blue bowl': (-0.1, -0.5, 0.0225),
        'yellow block': (-0.1, -0.5, 0.024),
    }
    scene = Scene(1, tuple(seen(noise, name, at) for name, at in resting.items()))
    layout = parse_layout(written_out(make_record(store, scene)))
    parameters = read_config(ROOT / 'config' / 'sim.yaml', 'sim', Parameters)
    cell = Cell(cell_urdf(), parameters, layout)
    cell.step(500)
    for item in cell.state().objects:
        assert item.pose[:3, 3] == pytest.approx(resting[item.spec.name], abs=0.006)
        assert item.pose[2, 2] > 0.99, 'upright'


def seen(noise, name, position):
    color, kind = name.split()
    size = BLOCK if kind == 'block' else BOWL
    at = tuple(np.add(position, noise.normal(0.0, 0.0007, 3)))
    return SceneObject(name, kind, color, at, size, noise.uniform(-3, 3), True)


def test_fruits_have_the_colour_of_their_kind(store):
    apple = SceneObject('apple', 'apple', '', (0.0, -0.5, 0.026), (0.06, 0.06, 0.052), 0.0, True)
    world = world_for(make_record(store, Scene(1, (apple,))))
    assert parse_layout(world['objects']).objects == (ObjectSpec('apple', 'red', (0.0, -0.5)),)
    assert world['world'] == 'fruits'
    assert world_for(make_record(store))['world'] == 'blocks'


def test_things_on_the_whiteboard_stand_on_it(store):
    """Its records are in the frame of the board; the simulator's worlds never are."""
    apple = SceneObject('apple', 'apple', '', (0.1, 0.05, 0.026), (0.06, 0.06, 0.052), 0.0, True)
    world = world_for(make_record(store, Scene(1, (apple,))), 'whiteboard')
    assert list(world) == ['objects']
    (spec,) = parse_layout(world['objects']).objects
    assert spec.xy == pytest.approx((0.1, -0.45))
    assert spec.z == pytest.approx(0.005, abs=0.003)


def test_a_world_without_objects_is_not_drawn(store):
    assert written_out(make_record(store, Scene(1, ()))) == ';'


def test_records_that_cannot_be_replayed(store):
    with pytest.raises(ReplayError, match='too far'):
        world_for(make_record(store, scene=None))
    thing = SceneObject('red thing', 'thing', 'red', (0, 0, 0), BLOCK, 0.0, True)
    with pytest.raises(ReplayError, match=r'thing.*block'):
        world_for(make_record(store, Scene(1, (thing,))))
    with pytest.raises(ReplayError, match='more than one red block'):
        world_for(make_record(store, Scene(1, (SCENE.objects[1],) * 2)))


def test_what_was_hidden_is_named(store):
    assert hidden_objects(make_record(store)) == ['blue block']


def test_only_the_record_answers(store, monkeypatch):
    record = make_record(store)
    spec = f'replay:{store.path}#{record["id"]}'
    assert models_for(record, store.path) == {'model': spec}
    record['completions'] = [{'model': 'small'}, {'model': None}, {'model': 'large'}]
    assert models_for(record, store.path) == {'model': spec, 'stronger_model': spec}
    record['completions'] = []
    monkeypatch.setattr('cap_bringup.replay.planner_setting', lambda name: f'openai:{name}')
    assert models_for(record, store.path) == {'model': spec, 'stronger_model': spec}


def test_a_record_whose_first_model_was_gone_has_a_stronger_one_again(store):
    record, chat = make_record(store), [{'role': 'user', 'content': 'do it'}]
    spec = f'replay:{store.path}#{record["id"]}'
    gone = {'model': '', 'messages': chat, 'text': None}
    record['completions'] = [gone]
    assert models_for(record, store.path) == {'model': spec}
    for then in (gone, {'model': 'large', 'messages': chat, 'text': 'say("x")'}):
        record['completions'] = [gone, then]
        assert models_for(record, store.path) == {'model': spec, 'stronger_model': spec}
    record['completions'] = [gone, {**then, 'messages': [*chat, *chat]}]
    assert models_for(record, store.path) == {'model': spec}


@pytest.mark.parametrize(
    ('recorded', 'domain'), [('whiteboard', 'whiteboard'), ('', 'tabletop'), (None, 'tabletop')]
)
def test_it_begins_in_the_domain_and_session_of_the_record(
    store, tmp_path, monkeypatch, capsys, recorded, domain
):
    begun = store.begin('do it', 's', 'auto', domain=recorded)
    begun.session_before({'turns': ['one']})
    begun.world('before', SCENE.as_data())
    begun.end(Ending('failed', 'limit', 'too far'))
    started = []

    def perform(stage, order, console):
        started.append(stage)
        raise StageError('far enough')

    monkeypatch.setattr(Stage, 'perform', perform)
    out = tmp_path / 'out'
    words = ['replay', begun.id, '--out', str(out), '--evidence', str(store.path)]
    assert cli.main(words) == 4
    (stage,) = started
    assert stage._arguments['domain'] == domain
    with EvidenceStore(stage.evidence) as kept:
        assert kept.load_session(f'{domain}/s') == {'turns': ['one']}
    assert ('does not say' in capsys.readouterr().out) is not bool(recorded)


def test_a_domain_of_another_release_is_told_before_anything_starts(store, tmp_path, capsys):
    store.begin('do it', 's', 'auto', domain='kitchen').end(Ending('succeeded'))
    out = ['--out', str(tmp_path / 'out'), '--evidence', str(store.path)]
    assert cli.main(['replay', 'last', *out]) == 4
    assert "'kitchen'; there are tabletop, whiteboard" in capsys.readouterr().out.replace('\n', ' ')
    assert not (tmp_path / 'out').exists()


def test_the_same_is_asked_for(store):
    order = order_of(make_record(store))
    assert (order.instruction, order.program, order.session) == ('do it', 'say("x")', 's')
    assert order.skip_verifier


def test_a_record_is_the_same_as_itself(store):
    data = make_record(store)
    assert all(difference.same for difference in compare(data, data).values())


def changed(data, change):
    """What `compare` finds after a change to a copy."""
    other = copy.deepcopy(data)
    change(other)
    found = compare(data, other)
    return {name: found[name].text for name in found if not found[name].same}


def test_noise_is_no_difference_and_is_told(store):
    data = make_record(store)
    other = copy.deepcopy(data)
    other['calls'][2]['arguments']['args'][1][0] += 0.0031
    other['world_before']['objects'][1]['position'][0] -= 0.0042
    other['calls'][2]['error'] = 'LimitError: 1.41 m'
    del other['calls'][0]
    found = compare(data, other)
    assert all(difference.same for difference in found.values())
    assert '3.1 mm' in found['calls'].text
    assert '4.2 mm' in found['world before'].text


@pytest.mark.parametrize(
    ('change', 'what', 'text'),
    [
        (lambda r: r.update(program='say("y")'), 'program', '+say("y")'),
        (lambda r: r['calls'].pop(), 'calls', 'there were 2, there are 1; only then: put_first'),
        (lambda r: r['calls'][1].update(name='get_bbox'), 'calls', "is get_bbox('red block')"),
        (lambda r: r['calls'][2].update(error=None), 'calls', 'which raised LimitError: 1.4 m, is'),
        (lambda r: r['calls'][2]['arguments'].update(x=1), 'calls', 'x=1'),
        (lambda r: r['calls'][2]['arguments']['args'].pop(), 'calls', 'number 2'),
        (
            lambda r: r['calls'][2]['arguments'].update(args=['red block', [0.1, -0.3]]),
            *('calls', '-0.3'),
        ),
        (
            lambda r: r['calls'][2]['arguments'].update(args=['red block', True]),
            *('calls', 'True'),
        ),
        (lambda r: r['world_before']['objects'].pop(), 'world before', 'it has blue bowl, red'),
        (lambda r: r.update(world_before=None), 'world before', 'not seen'),
    ],
)
def test_every_difference_is_named(store, change, what, text):
    found = changed(make_record(store), change)
    assert list(found) == [what]
    assert text in found[what]


def test_what_cannot_be_is_told_before_anything_starts(store, tmp_path, capsys, monkeypatch):
    out = ['--out', str(tmp_path / 'out'), '--evidence', str(store.path)]
    monkeypatch.setenv('CAP_ALLOW_UNVERIFIED', '1')
    make_record(store, scene=None)
    assert cli.main(['replay', 'zzz', *out]) == 2
    assert cli.main(['replay', 'last', *out]) == 4
    assert 'too far' in capsys.readouterr().out
    store.begin('x', 's', 'auto')
    assert cli.main(['replay', 'last', *out]) == 4
    assert 'has not ended' in capsys.readouterr().out
    make_record(store)
    monkeypatch.delenv('CAP_ALLOW_UNVERIFIED')
    assert cli.main(['replay', 'last', *out]) == 4
    assert 'CAP_ALLOW_UNVERIFIED=1' in capsys.readouterr().out
    words = ['--out', str(tmp_path), '--evidence', str(store.path)]
    assert cli.main(['replay', 'last', *words]) == 2
    assert store.path.exists(), 'the record was not overwritten'
    assert not (tmp_path / 'out').exists()
