"""`./cap doctor`: what this machine and workspace have, and what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from cap_bringup.workspace import missing_system_packages


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `text`: what was found, or what to do."""

    name: str
    ok: bool
    text: str = ''


def examine() -> list[Finding]:
    """All findings; nothing is changed."""
    return [
        _system_packages(),
        _tried('ROS 2 (rclpy and Fast DDS)', _ros),
        _tried('offscreen rendering (EGL)', _rendering),
        _tried('motion planning (OMPL)', _planning),
        *_sandbox(),
        _key(),
    ]


def _system_packages() -> Finding:
    missing = missing_system_packages()
    advice = f'apt-get install {" ".join(missing)}' if missing else ''
    return Finding('system packages', not missing, advice)


def _tried(name: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, probe())
    except Exception as error:
        return Finding(name, False, f'{type(error).__name__}: {error}')


def _ros() -> str:
    import rclpy  # noqa: PLC0415
    from rclpy.utilities import get_rmw_implementation_identifier  # noqa: PLC0415

    rclpy.init()
    rclpy.create_node('cap_doctor').destroy_node()
    rclpy.shutdown()
    return str(get_rmw_implementation_identifier())


def _rendering() -> str:
    os.environ.setdefault('MUJOCO_GL', 'egl')
    import mujoco  # noqa: PLC0415

    model = mujoco.MjModel.from_xml_string('<mujoco/>')
    with mujoco.Renderer(model, 32, 32) as renderer:
        renderer.render()
    return f'MuJoCo {mujoco.__version__}'


def _planning() -> str:
    import ompl  # noqa: PLC0415
    import ur_analytic_ik  # noqa: F401, PLC0415

    return getattr(ompl, '__version__', '')


def _sandbox() -> list[Finding]:
    from cap_planner.sandbox.doctor import doctor  # noqa: PLC0415

    return [Finding(f'sandbox: {layer.name}', layer.ok, layer.why) for layer in doctor()]


def _key() -> Finding:
    has = bool(os.environ.get('OPENAI_API_KEY'))
    return Finding(
        'language model',
        True,
        'offline'
        + (
            ' and openai:NAME'
            if has
            else '; for openai:NAME set OPENAI_API_KEY (and OPENAI_BASE_URL)'
        ),
    )
