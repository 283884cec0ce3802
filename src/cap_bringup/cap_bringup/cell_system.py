"""The whole system in one process, as fast as the machine can: for benchmarks.

Without ROS, but for its messages. Model, sandbox, skills, physics, camera and perception are those
of the nodes; what goes between nodes is handed over here. Whoever waits, for a motion or a picture,
steps the physics, and whenever simulated time has come to it a picture is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cap_bringup.cell_robot import BenchCell
from cap_common.config import read_config
from cap_common.errors import (
    CanceledError,
    InvalidGoalError,
    ObjectNotFoundError,
    PerceptionLostError,
)
from cap_common.frames import transform_points
from cap_description import ARM_JOINTS, LinkTree, transform
from cap_eval.state import WorldState
from cap_perception import types as seen
from cap_perception.detector import make_detector
from cap_perception.messages import object_message, scene_message
from cap_perception.parameters import PerceptionParameters
from cap_perception.phrases import UnknownPhraseError, answered, parse_phrase
from cap_perception.pipeline import Pipeline
from cap_perception.silhouette import Silhouette
from cap_planner.api.spec import Mask, Points, Target
from cap_planner.robot import ORDINARY, Manner
from cap_planner.ros_scene import object_from_message, scene_from_message
from cap_planner.scene import Scene, SceneObject
from cap_sim.camera import HEIGHT, WIDTH, View, intrinsics
from cap_sim.camera_noise import NoiseSource
from cap_sim.cell import Cell
from cap_sim.layout import Layout
from cap_sim.parameters import Parameters
from cap_sim.shapes import size_of
from cap_sim.world import OVERHEAD_CAMERA
from cap_skills.call import Call
from cap_skills.model import Place, SceneView
from cap_skills.skills import PARK

FRAME = 'workspace'
PICTURE_S = 0.1
# Above what it points to [m], as the action's default of the planner.
_POINT_HEIGHT = 0.0
_WAIT_S = 3.0
_STEPS = 4
_REST_S, _REST_M = 0.2, 1e-4


class PacedCell(Cell):
    """Calls somebody whenever so much time has gone by.

    Attributes:
        due: is called in the thread that steps.
    """

    due: Callable[[], None] = staticmethod(lambda: None)

    def step(self, count: int) -> None:
        """See Cell."""
        before = int(self.time_s / PICTURE_S)
        super().step(count)
        if int(self.time_s / PICTURE_S) > before:
            self.due()


class Sight(Protocol):
    """Where scenes come from."""

    def look(self) -> seen.Scene | None:
        """What is there now; None: nothing can be said yet."""
        ...

    def look_for(self, phrase: str) -> list[seen.SceneObject]:
        """What answers a phrase in the newest picture."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class TrueSight:
    """Things as they are."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def look(self) -> seen.Scene:
        """See Sight."""
        state = self._cell.state()
        stamp_ns = round(state.time_s * 1e9)
        return seen.Scene(
            stamp_ns,
            tuple(
                seen.SceneObject(
                    id=item.spec.name,
                    name=item.spec.name,
                    class_name=item.spec.kind,
                    color=item.spec.color,
                    workspace_from_box=item.pose,
                    size=size_of(item.spec.kind),
                    confidence=1.0,
                    stamp_ns=stamp_ns,
                    visible=True,
                )
                for item in state.objects
            ),
        )

    def look_for(self, phrase: str) -> list[seen.SceneObject]:
        """See Sight."""
        wanted = [parse_phrase(phrase)]
        return [o for o in self.look().objects if answered(wanted, o.color, o.class_name)]

    def close(self) -> None:
        """See Sight."""


class CameraSight:
    """The overhead camera and perception.

    Args:
        config: folder of perception.yaml.
        seed: of the noise.
    """

    def __init__(self, cell: Cell, urdf: str, sim: Parameters, config: Path, seed: int) -> None:
        self._cell = cell
        parameters = read_config(config / 'perception.yaml', 'perception', PerceptionParameters)
        self._pipeline = Pipeline(make_detector(parameters.detector, parameters), parameters)
        self._silhouette = Silhouette(urdf, FRAME) if parameters.hide_robot else None
        self._tree = LinkTree(urdf)
        self._workspace_from_root = np.linalg.inv(self._tree.poses({})[FRAME])
        self._view = View(cell.model, OVERHEAD_CAMERA, WIDTH, HEIGHT, pretty=False)
        k = intrinsics(WIDTH, HEIGHT, sim.camera_fovy_deg)
        self._intrinsics = np.array([[k.focal, 0, k.center_x], [0, k.focal, k.center_y], [0, 0, 1]])
        self._workspace_from_camera = transform(urdf, FRAME, 'overhead_camera_optical_frame')
        self._noise = NoiseSource(sim.camera_noise, k.focal, seed)

    def look(self) -> seen.Scene | None:
        """See Sight."""
        _, _, time_s, qpos, drawing = self._cell.picture_state()
        rgb, depth = self._noise.apply(*self._view.render(qpos, drawing))
        frame = seen.CameraFrame(
            rgb, depth, self._intrinsics, self._workspace_from_camera, round(time_s * 1e9)
        )
        state = self._cell.state()
        joints = dict(zip(ARM_JOINTS, map(float, state.q), strict=True))
        held = None
        if state.tool.held:
            held = seen.HeldPose(self._workspace_from_root @ self._tree.poses(joints)['tcp'])
        silhouette = self._silhouette
        robot = None if silhouette is None else lambda frame: silhouette.mask(frame, joints)
        return self._pipeline.process(frame, robot, held)

    def look_for(self, phrase: str) -> list[seen.SceneObject]:
        """See Sight."""
        return self._pipeline.look(phrase)

    def close(self) -> None:
        """See Sight."""
        self._view.close()


class CellSystem(BenchCell):
    """A cell with a planner's SceneSource, Eyes and Skills.

    Args:
        camera: files of the simulator's parameters for the camera, the later ones on top; none:
            things are seen as they are.
        seed: of what varies from cell to cell, and of the camera's noise.
    """

    def __init__(
        self, layout: Layout, config: Path, camera: tuple[str, ...] = (), seed: int = 0
    ) -> None:
        files = [config / f'{name}.yaml' for name in camera or ('sim',)]
        sim = replace(read_config(files, 'sim', Parameters), seed=seed)
        super().__init__(layout, config, sim=sim, cell_type=PacedCell)
        self._seen: seen.Scene | None = None
        self.sight: Sight = TrueSight(self.cell)
        if camera:
            self.sight = CameraSight(self.cell, self.urdf, sim, config, seed)
        self.stopped: Callable[[], bool] = lambda: False
        self.phases: list[dict[str, Any]] = []
        assert isinstance(self.cell, PacedCell)
        self.cell.due = self._look
        self.planner.warm_up(self._parameters.steps.park)

    def _look(self) -> None:
        self._seen = self.sight.look() or self._seen

    def close(self) -> None:
        """Free the renderer."""
        self.sight.close()

    # ── what there is ────────────────────────────────────────────────────────────────────────

    def rest(self, timeout_s: float = 10.0) -> WorldState:
        """The true state, once nothing moves any more, or after so much simulated time."""
        positions = self._positions()
        for _ in range(round(timeout_s / _REST_S)):
            self._step(_REST_S)
            before, positions = positions, self._positions()
            if np.abs(positions - before).max(initial=0.0) < _REST_M:
                break
        return self.world()

    def _positions(self) -> NDArray[np.float64]:
        return self.cell.state().poses[:, :3, 3]

    def _step(self, seconds: float) -> None:
        for _ in range(round(seconds / (_STEPS * 0.002))):
            self.cell.step(_STEPS)

    # ── SceneSource and Eyes ─────────────────────────────────────────────────────────────────

    def now_ns(self) -> int:
        """See SceneSource."""
        return round(self.cell.time_s * 1e9)

    def latest(self) -> Scene:
        """See SceneSource."""
        return self._scene()

    def newer(self, than_ns: int) -> Scene:
        """See SceneSource."""
        end_s = self.cell.time_s + _WAIT_S
        while self._seen is None or self._seen.stamp_ns <= than_ns:
            if self.cell.time_s > end_s:
                raise PerceptionLostError(f'no picture was taken in the last {_WAIT_S:g} s')
            self.cell.step(_STEPS)
        return self._scene()

    def _scene(self) -> Scene:
        if self._seen is None:
            raise PerceptionLostError('no scene yet')
        scene = scene_from_message(scene_message(self._seen, FRAME))
        held = self.arm.held and self.arm.held.item.name
        return replace(scene, objects=tuple(replace(o, held=o.name == held) for o in scene.objects))

    def look_for(self, phrase: str, timeout_s: float) -> tuple[SceneObject, ...]:
        """See Eyes."""
        for _ in range(max(1, round(timeout_s / PICTURE_S))):
            self.newer(self.now_ns())
            try:
                found = self.sight.look_for(phrase)
            except UnknownPhraseError as error:
                raise InvalidGoalError(str(error)) from error
            if found:
                return tuple(
                    object_from_message(object_message(item, item.stamp_ns)) for item in found
                )
        return ()

    def mask(self, item: SceneObject) -> Mask:
        """See Eyes."""
        for thing in self._seen.objects if self._seen else ():
            if thing.name == item.name and thing.mask is not None and thing.pixels is not None:
                left, top, right, bottom = thing.pixels
                mask = np.zeros((HEIGHT, WIDTH), bool)
                mask[top:bottom, left:right] = thing.mask
                return mask
        raise ObjectNotFoundError(f'{item.name!r} is not seen in the newest picture')

    def scene(self) -> SceneView:
        """What the skills see, in base_link."""
        if self._seen is None:
            raise PerceptionLostError('no scene has come')
        items = tuple(
            self._parameters.item(
                item.name,
                item.class_name,
                self.base_from_workspace @ item.workspace_from_box,
                np.array(item.size),
            )
            for item in self._seen.objects
        )
        return SceneView(items, self.cell.time_s - self._seen.stamp_ns * 1e-9)

    # ── Skills ───────────────────────────────────────────────────────────────────────────────

    def pick_place(self, first: Target, second: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.skills.pick_place(self._place(first), self._place(second), self._call(manner))

    def pick(self, obj: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.skills.pick(self._place(obj), self._call(manner))

    def move_to(self, target: Target, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        self.skills.move_to(self._place(target), _POINT_HEIGHT, self._call(manner))

    def look(self) -> None:
        """See Skills."""
        self.skills.move_to(Place(PARK), 0.0, self._call(ORDINARY))

    def draw(self, points: Points, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        raise InvalidGoalError('there is no board')

    def erase(self, points: Points, manner: Manner = ORDINARY) -> None:
        """See Skills."""
        raise InvalidGoalError('there is no board')

    def say(self, text: str) -> None:
        """See Skills."""

    def _call(self, manner: Manner) -> Call:
        return Call(
            check=self._check,
            tell=lambda _: None,
            speed_scale=manner.speed,
            force_limit=manner.force or 0.0,
        )

    def _check(self) -> None:
        if self.stopped():
            raise CanceledError('canceled by the caller')

    def _place(self, target: Target) -> Place:
        if isinstance(target, str):
            return Place(target)
        x, y, z = transform_points(self.base_from_workspace, np.array([*target, 0.0]))
        return Place('', (float(x), float(y), float(z)))
