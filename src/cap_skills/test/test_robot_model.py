"""What is read from the cell's description, and what is assumed of the things in it."""

from __future__ import annotations

import pytest

from cap_description.cell import cell_urdf
from cap_sim.shapes import BOWL, KINDS, PLATE
from cap_skills.parameters import SkillsParameters
from cap_skills.robot_model import robot_model


def test_the_cup_is_as_wide_as_it_is_drawn() -> None:
    drawn = 'radius="0.013"'
    assert robot_model(cell_urdf()).cup_radius == 0.013
    assert robot_model(cell_urdf().replace(drawn, 'radius="0.02"')).cup_radius == 0.02
    assert robot_model(cell_urdf().replace('"cup_link"', '"claw_link"')).cup_radius == 0.0


def test_things_are_assumed_as_the_simulator_has_them(parameters: SkillsParameters) -> None:
    for dish, drawn in ((parameters.bowl, BOWL), (parameters.plate, PLATE)):
        assert dish.wall == drawn.wall
        assert dish.foot_of_rim == pytest.approx(drawn.foot_radius / drawn.rim_radius)
    for name in parameters.round_classes:
        assert KINDS[name].size[0] == KINDS[name].size[1]
