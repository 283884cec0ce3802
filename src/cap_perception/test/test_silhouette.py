"""The robot in a picture: all of it, and little besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cap_description import ARM_JOINTS, LinkTree, cell_urdf, transform
from cap_perception.silhouette import Silhouette


def test_links_are_where_the_description_has_them() -> None:
    urdf = cell_urdf()
    tree = LinkTree(urdf)
    rng = np.random.default_rng(0)
    joints = dict(zip(ARM_JOINTS, rng.uniform(-3, 3, 6), strict=True))
    poses = tree.poses(joints)
    for link in ('forearm_link', 'tool0', 'tcp', 'workspace'):
        np.testing.assert_allclose(poses[link], transform(urdf, 'world', link, joints), atol=1e-12)
    assert {'shoulder_link', 'cup_link', 'tcp'} <= tree.moving()
    assert not {'table', 'workspace', 'base_link'} & tree.moving()


@pytest.mark.parametrize('seed', range(3))
def test_it_covers_the_robot_and_little_else(cell: Callable[..., Any], seed: int) -> None:
    bare = cell()
    rng = np.random.default_rng(seed)
    empty = bare.frame().depth
    over = (rng.uniform(-0.3, 0.3), -1.4, 1.9, -2.0, -np.pi / 2, rng.uniform(-1, 1))
    bare.arm(over)
    frame = bare.frame()
    nearer = frame.depth < empty - 0.03
    assert nearer.sum() > 3000
    mask = Silhouette(bare.urdf, 'workspace').mask(frame, dict(zip(ARM_JOINTS, over, strict=True)))
    assert (nearer & ~mask).sum() < 0.01 * nearer.sum()
    assert mask.sum() < 2.2 * nearer.sum()


def test_a_frame_that_there_is_not() -> None:
    with pytest.raises(LookupError, match="no frame 'narnia'"):
        Silhouette(cell_urdf(), 'narnia')
