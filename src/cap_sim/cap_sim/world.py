"""The cell as one MuJoCo model: the URDF, what physics adds to it, and objects. No ROS."""

from __future__ import annotations

import mujoco
import numpy as np

from cap_common.frames import quaternion_from_matrix
from cap_common.palette import COLORS
from cap_description import ARM_JOINTS, joint_limits, transform
from cap_sim.clutter import Clutter, add_clutter_geom
from cap_sim.layout import Layout, ObjectSpec
from cap_sim.parameters import Parameters
from cap_sim.shapes import CONTACT, HIDDEN_GROUP, KINDS
from cap_sim.tools import tool_kind
from cap_sim.variation import add_struts, camera_error, vary_light

TIMESTEP_S = 0.002
OVERHEAD_CAMERA = 'overhead'
WRIST_CAMERA = 'wrist'
OPERATOR_CAMERA = 'operator'
# The optical frames of the cameras of colour and depth; the first is the more urgent one.
RGBD_FRAMES = {
    OVERHEAD_CAMERA: 'overhead_camera_optical_frame',
    WRIST_CAMERA: 'wrist_camera_color_optical_frame',
}
SUN = 'sun'
FORCE_SENSOR = 'tcp_force'
TORQUE_SENSOR = 'tcp_torque'
ACCELEROMETER = 'tip_acceleration'
TCP = 'tcp'
TIP_MIDDLE = 'tip_middle'

_FLOOR_Z = -0.76
# MuJoCo's cameras look along -z, optical frames along +z.
_FROM_OPTICAL = np.array([0.0, 1.0, 0.0, 0.0])
# Reflected inertia of each joint's motor [kg m^2].
_ROTOR_INERTIA = 0.1


def build_model(urdf: str, layout: Layout, parameters: Parameters) -> mujoco.MjModel:
    """Compile the model of a world, its objects where the layout has them.

    How it varies is drawn by the parameters' seed; its clutter is the layout's.

    Raises:
        LookupError: the URDF has no tool that is known.
    """
    spec = mujoco.MjSpec.from_string(urdf)
    tool = tool_kind(urdf)
    _set_physics(spec)
    _sort_geoms(spec)
    _add_actuators(spec, urdf)
    tool.add(spec, parameters)
    _add_force_sensor(spec, urdf, tool.tip)
    _add_surroundings(spec)
    _add_cameras(spec, parameters)
    vary_light(spec, SUN, parameters.variation, parameters.seed)
    overhead = transform(urdf, 'world', RGBD_FRAMES[OVERHEAD_CAMERA])
    add_struts(spec, overhead, parameters.variation, parameters.seed)
    base_from_workspace = transform(urdf, 'world', 'workspace')
    for item in layout.objects:
        _add_object(spec, item, base_from_workspace)
    for number, thing in enumerate(layout.clutter):
        _add_clutter(spec, f'clutter {number + 1}', thing, base_from_workspace)
    model = spec.compile()
    _center_accelerometer(model, tool.tip)
    return model


def _set_physics(spec: mujoco.MjSpec) -> None:
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # Elliptic cones with a high ratio of friction to normal impedance: what is held does not creep.
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    # By default MuJoCo answers a diverged state with a jump back to the start; here it is a fault.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    # What lies still costs nothing until it is touched. Ten times slower than the default: a body
    # that is about to tip over must not fall asleep.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    spec.option.sleep_tolerance = 1e-4


def _sort_geoms(spec: mujoco.MjSpec) -> None:
    """Seen shapes into group 0, colliding ones into a group that is not drawn."""
    for geom in spec.geoms:
        seen_only = geom.contype == 0 and geom.conaffinity == 0
        # Nor the overhead camera itself: the operator would see but its shadow on the table.
        behind = geom.parent.name == 'overhead_camera_link'
        geom.group = HIDDEN_GROUP if behind or not seen_only else 0
        if not seen_only:
            geom.solref = CONTACT['solref']
            geom.friction = CONTACT['friction']


def _add_actuators(spec: mujoco.MjSpec, urdf: str) -> None:
    """A torque motor per arm joint, within the joint's effort limit."""
    limits = joint_limits(urdf)
    for name in ARM_JOINTS:
        spec.joint(name).armature = _ROTOR_INERTIA
        effort = limits[name].effort
        motor = spec.add_actuator(
            name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name, ctrlrange=[-effort, effort]
        )
        motor.ctrllimited = True
        motor.set_to_motor()


def _add_force_sensor(spec: mujoco.MjSpec, urdf: str, tip: str) -> None:
    """What the tip feels at tcp, and how its middle of mass accelerates, both along tcp's axes.

    The three sensors follow each other.
    """
    body = spec.body(tip)
    tip_from_tcp = transform(urdf, tip, 'tcp')
    x, y, z, w = quaternion_from_matrix(tip_from_tcp)
    for name in (TCP, TIP_MIDDLE):
        body.add_site(name=name, pos=tip_from_tcp[:3, 3], quat=[w, x, y, z], group=HIDDEN_GROUP)
    for name, kind, site in (
        (FORCE_SENSOR, mujoco.mjtSensor.mjSENS_FORCE, TCP),
        (TORQUE_SENSOR, mujoco.mjtSensor.mjSENS_TORQUE, TCP),
        (ACCELEROMETER, mujoco.mjtSensor.mjSENS_ACCELEROMETER, TIP_MIDDLE),
    ):
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)


def _center_accelerometer(model: mujoco.MjModel, tip: str) -> None:
    """Put it where the tip and all that hangs on it has its middle of mass."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    body = model.body(tip).id
    axes = data.xmat[body].reshape(3, 3)
    site = model.site(TIP_MIDDLE).id
    model.site_pos[site] = (data.subtree_com[body] - data.xpos[body]) @ axes
    model.site_sameframe[site] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE


def _add_surroundings(spec: mujoco.MjSpec) -> None:
    """Floor, light and sky. Lit so that a level face shows its own colour."""
    spec.worldbody.add_geom(
        name='floor',
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[4, 4, 0.1],
        pos=[0, 0, _FLOOR_Z],
        rgba=[0.80, 0.81, 0.82, 1],
    )
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.97, 0.98, 0.99],
        rgb2=[0.80, 0.81, 0.82],
        width=128,
        height=768,
    )
    # Fixed, so that near and far planes and the shadow's reach do not hang on the objects.
    spec.stat.extent = 1.0
    spec.stat.center = [0.4, 0, 0.1]
    spec.visual.map.znear, spec.visual.map.zfar = 0.05, 12.0
    spec.visual.map.shadowclip = 1.2
    spec.visual.quality.shadowsize = 1024
    spec.visual.headlight.ambient = [0.42, 0.42, 0.42]
    spec.visual.headlight.diffuse = [0, 0, 0]
    spec.visual.headlight.specular = [0, 0, 0]
    spec.worldbody.add_light(
        name=SUN,
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0.9, 0.6, 2.2],
        dir=[-0.2, -0.25, -1],
        diffuse=[0.6, 0.6, 0.6],
        specular=[0, 0, 0],
        ambient=[0, 0, 0],
        castshadow=True,
    )


def _add_cameras(spec: mujoco.MjSpec, parameters: Parameters) -> None:
    """Those of colour and depth, about where their frames are, and the operator's view."""
    for index, (name, frame) in enumerate(RGBD_FRAMES.items()):
        shift, turn = camera_error(parameters.variation, parameters.seed, index)
        quat = np.empty(4)
        mujoco.mju_mulQuat(quat, turn, _FROM_OPTICAL)
        spec.body(frame).add_camera(
            name=name, pos=shift, quat=quat, fovy=parameters.camera_fovy_deg
        )
    eye, target = np.array([1.45, 0.52, 0.80]), np.array([0.35, 0.01, 0.21])
    spec.worldbody.add_camera(name=OPERATOR_CAMERA, pos=eye, quat=look_at(eye, target), fovy=44.0)


def look_at(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Quaternion (w, x, y, z) of a MuJoCo camera at `eye` that sees `target` upright."""
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, np.column_stack([right, np.cross(back, right), back]).ravel())
    return quat


def _add_object(spec: mujoco.MjSpec, item: ObjectSpec, base_from_workspace: np.ndarray) -> None:
    kind = KINDS[item.kind]
    middle = (*item.xy, item.z + kind.size[2] / 2)
    body = _add_body(spec, item.name, middle, item.yaw, base_from_workspace)
    kind.add(spec, body, _rgba(item.color))


def _add_clutter(
    spec: mujoco.MjSpec, name: str, item: Clutter, base_from_workspace: np.ndarray
) -> None:
    body = _add_body(spec, name, (*item.xy, item.size[2] / 2), item.yaw, base_from_workspace)
    add_clutter_geom(body, item, _rgba(item.color))


def _add_body(
    spec: mujoco.MjSpec,
    name: str,
    middle: tuple[float, float, float],
    yaw: float,
    base_from_workspace: np.ndarray,
) -> mujoco.MjsBody:
    """A body without shape that moves freely, its joint named as it is."""
    position = base_from_workspace @ [*middle, 1]
    yaw += np.arctan2(base_from_workspace[1, 0], base_from_workspace[0, 0])
    body = spec.worldbody.add_body(
        name=name, pos=position[:3], quat=[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
    )
    body.add_freejoint(name=name)
    return body


def _rgba(color: str) -> list[float]:
    return [*(channel / 255 for channel in COLORS[color]), 1.0]
