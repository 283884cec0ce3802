"""The configuration files against the parameters."""

import yaml

from cap_common.config import parameter_types
from cap_sim.camera_noise import CameraNoise
from cap_sim.parameters import Parameters
from cap_sim.variation import Variation


def test_the_noisy_room_sets_all_of_noise_and_variation_and_nothing_else(config_folder):
    content = yaml.safe_load((config_folder / 'noisy.yaml').read_text(encoding='utf-8'))
    given = content['/**/sim']['ros__parameters']
    names = {f'{group}.{name}' for group, values in given.items() for name in values}
    known = parameter_types(Parameters)
    groups = {
        'camera_noise': CameraNoise,
        'wrist_camera_noise': CameraNoise,
        'variation': Variation,
    }
    assert names == {name for name in known if name.partition('.')[0] in groups}
    for group, cls in groups.items():
        made = cls(**given[group])
        for name, kind in parameter_types(cls).items():
            assert type(getattr(made, name)) is kind, 'as ROS asks for'
