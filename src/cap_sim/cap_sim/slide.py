"""Spring-loaded slides, which give way when they are pushed. No ROS."""

from __future__ import annotations

import mujoco
import numpy as np


def add_spring(slide: mujoco.MjsJoint, stiffness: float, preload: float, mass: float) -> None:
    """Give the joint of a description its spring.

    Args:
        stiffness: [N/m].
        preload: with which the spring holds the slide at its stop, position 0 [N].
        mass: of what moves with the slide [kg].
    """
    slide.stiffness = [stiffness, 0, 0]
    slide.springref = -preload / stiffness
    # Critical, so that it does not ring.
    slide.damping = [2 * np.sqrt(stiffness * mass), 0, 0]
    slide.solref_limit = [0.006, 1.0]
    # The effort limit of a URDF is one of motors; here it would cut the pull of a vacuum.
    slide.actfrclimited = mujoco.mjtLimited.mjLIMITED_FALSE
