"""From pictures of the simulated cell to scenes, judged and timed: what `bench eyes` runs.

In one process and without ROS, but for its messages.
"""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from cap_bringup.eyes_worlds import Hand, Hold, Twins, draw_event, draw_table, draw_twins
from cap_bringup.node_list import PERCEPTION
from cap_common.config import read_config
from cap_common.frames import Matrix
from cap_description import ARM_JOINTS
from cap_perception.detector import make_detector
from cap_perception.images import (
    check_set,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_image,
)
from cap_perception.messages import scene_message
from cap_perception.parameters import PerceptionParameters
from cap_perception.pipeline import Pipeline
from cap_perception.silhouette import Silhouette
from cap_perception.types import CameraFrame, HeldPose, Scene, SceneObject
from cap_sim import convert
from cap_sim.camera import HEIGHT, WIDTH, intrinsics
from cap_sim.camera_noise import Depth, NoiseSource, Rgb
from cap_sim.layout import Layout, with_clutter
from cap_sim.parameters import Parameters
from cap_sim.still import StillCell
from cap_sim.world import OVERHEAD_CAMERA, RGBD_FRAMES

FRAME_NS = 100_000_000
# A thing of the scene is right if its name is, and its middle is so near [m].
NEAR = 0.01
# Its name is wrong if nothing of that name is so near, but something else is [m].
_PLACE = 0.02
# Pictures from a new table, or the end of what happened on it, to the scene that is judged.
_LOOKS = 4
_SETTLE_STEPS = 400
# What happens to the things of one table, one after the other.
EVENTS = 3


class Eyes:
    """The pipeline as the node makes it, before one still cell after another.

    Args:
        config: folder of the parameters.
        camera: names of the files there that have the simulator's, without ending, the later ones
            on top.
        told: whether the pipeline hears of what the gripper holds.
        world: where something else is looked for than perception.yaml says.
    """

    def __init__(
        self,
        config: Path,
        camera: tuple[str, ...],
        seed: int,
        *,
        told: bool = True,
        world: str = '',
    ) -> None:
        self._told = told
        self.parameters = replace(
            read_config(config / 'perception.yaml', 'perception', PerceptionParameters),
            **PERCEPTION.get(world, {}),
        )
        files = [config / f'{name}.yaml' for name in camera]
        self._sim = read_config(files, 'sim', Parameters)
        self.pipeline = Pipeline(
            make_detector(self.parameters.detector, self.parameters), self.parameters
        )
        self.intrinsics = intrinsics(WIDTH, HEIGHT, self._sim.camera_fovy_deg)
        self._noise = NoiseSource(self._sim.camera_noise, self.intrinsics.focal, seed)
        self._stamp_ns = 0
        self._cell: StillCell | None = None

    @property
    def cell(self) -> StillCell:
        """What is watched."""
        assert self._cell is not None, 'watch first'
        return self._cell

    def watch(self, layout: Layout, seed: int, paint: Mapping[str, str] | None = None) -> StillCell:
        """Another cell, with its clutter, all at rest; of the one before nothing is remembered.

        Args:
            seed: of what varies from cell to cell: see cap_sim.parameters.
        """
        self.close()
        self.pipeline.forget()
        layout = with_clutter(layout, seed, self._sim.variation.clutter)
        self._cell = StillCell(layout, replace(self._sim, seed=seed), paint=paint)
        self._cell.settle(_SETTLE_STEPS)
        self._silhouette = Silhouette(self._cell.urdf, self.parameters.workspace_frame)
        return self._cell

    def close(self) -> None:
        """Free the renderer."""
        if self._cell is not None:
            self._cell.close()
            self._cell = None

    def frame(self, picture: tuple[Rgb, Depth] | None = None) -> CameraFrame:
        """The next one, with noise.

        Args:
            picture: a clean one to use again; None: a new one is taken.
        """
        rgb, depth = self._noise.apply(*(picture or self.cell.picture()))
        self._stamp_ns += FRAME_NS
        return CameraFrame(
            rgb, depth, self.cell.intrinsics, self.cell.workspace_from_camera, self._stamp_ns
        )

    def look(self, hold: Hold | None = None) -> Scene | None:
        """The scene after one more picture."""
        frame = self.frame()
        held = None
        if self._told and hold is not None and hold.holding:
            held = HeldPose(hold.workspace_from_tool)
        robot = None
        if self.parameters.hide_robot:
            joints = dict(zip(ARM_JOINTS, self.cell.joints, strict=True))
            robot = lambda part: self._silhouette.mask(part, joints)  # noqa: E731
        return self.pipeline.process(frame, robot, held)


@dataclass(frozen=True)
class TableResult:
    """One scene against what is on the table.

    Attributes:
        there, seen: things on the table, and in the scene.
        right: those of both that have the same name and place.
        wrong_names: things of the scene at the place of one that is called otherwise.
        off_m: how far each right name is from its thing, however far.
        faults: what is wrong, in words.
    """

    there: int
    seen: int
    right: int
    wrong_names: int
    off_m: tuple[float, ...]
    faults: tuple[str, ...]


def judge(scene: Scene | None, truth: Mapping[str, Matrix]) -> TableResult:
    """Compare a scene with the true poses, by name."""
    objects = () if scene is None else scene.objects
    off, faults, right, wrong = [], [], 0, 0
    for thing in objects:
        place = thing.workspace_from_box[:3, 3]
        away = {name: float(np.linalg.norm(place - m[:3, 3])) for name, m in truth.items()}
        own = away.get(thing.name, np.inf)
        if np.isfinite(own):
            off.append(own)
        if own < NEAR:
            right += 1
            continue
        nearest = min(away, key=lambda name: away[name])
        wrong += nearest != thing.name and away[nearest] < _PLACE
        faults.append(f'{thing.name}: {own * 1e3:.0f} mm off, {away[nearest] * 1e3:.0f} mm from '
                      f'the {nearest}')  # fmt: skip
    missing = set(truth) - {thing.name for thing in objects}
    faults += [f'{name}: not seen' for name in sorted(missing)]
    return TableResult(len(truth), len(objects), right, wrong, tuple(off), tuple(faults))


def look_at_table(eyes: Eyes, table: Layout, seed: int) -> TableResult:
    """The scene of a table, after a few pictures."""
    cell = eyes.watch(table, seed)
    for _ in range(_LOOKS):
        scene = eyes.look()
    return judge(scene, cell.truth())


def live_through(eyes: Eyes, seed: int, events: int = EVENTS) -> str:
    """What happens to things of one name on a drawn table; empty, or how one lost its identity."""
    twins, rng = draw_twins(seed), np.random.default_rng(seed + 1)
    cell = eyes.watch(twins.layout, seed, twins.paint)
    hand = Hand(cell, rng)
    for hold in hand.wait(_LOOKS):
        scene = eyes.look(hold)
    known = _whose(scene, cell, twins)
    if len(set(known.values())) < len(twins.bodies):
        return f'at first: {_listed(scene, twins)}'
    for _ in range(events):
        what, pictures = draw_event(cell, hand, twins.bodies, rng)
        for hold in pictures:
            eyes.look(hold)
        for hold in hand.wait(_LOOKS):
            scene = eyes.look(hold)
        now = _whose(scene, cell, twins)
        if now != known or scene is None or len(_alike(scene, twins)) != len(twins.bodies):
            return f'{what}: {known} became {now}; {_listed(scene, twins)}'
    return ''


def _alike(scene: Scene, twins: Twins) -> list[SceneObject]:
    """The scene's things of the class and colour of the twins."""
    kind, color = twins.bodies[0].split()[1], next(iter(twins.paint.values()))
    return [o for o in scene.objects if (o.class_name, o.color) == (kind, color)]


def _whose(scene: Scene | None, cell: StillCell, twins: Twins) -> dict[str, tuple[str, str]]:
    """Id and name of the scene's thing at the place of each twin, just now seen; by body."""
    truth, found = cell.truth(), {}
    if scene is None:
        return {}
    for body in twins.bodies:
        for thing in _alike(scene, twins):
            away = np.linalg.norm(thing.workspace_from_box[:3, 3] - truth[body][:3, 3])
            if away < NEAR and scene.stamp_ns - thing.stamp_ns < _LOOKS * FRAME_NS:
                found[body] = (thing.id, thing.name)
    return found


def _listed(scene: Scene | None, twins: Twins) -> str:
    if scene is None:
        return 'no scene'
    return 'seen: ' + ', '.join(
        f'{o.name} ({o.id}) at {np.round(o.workspace_from_box[:3, 3], 3).tolist()}'
        for o in _alike(scene, twins)
    )


@dataclass(frozen=True)
class Pace:
    """How long frames took, and what they left behind.

    Attributes:
        wall_ms, cpu_ms: of each frame, from its messages to the scene's.
        memory_mb: resident memory of this process, after each tenth of the frames.
    """

    wall_ms: NDArray[np.float64]
    cpu_ms: NDArray[np.float64]
    memory_mb: tuple[float, ...]


def run_frames(eyes: Eyes, seeds: Iterator[int], frames: int, tables: int = 20) -> Pace:
    """Messages of pictures to messages of scenes; the tables' pictures come again with new noise.

    Neither rendering nor noise nor the making of the pictures' messages is in the times.
    """
    films = [
        eyes.watch(draw_table(seed), seed).picture()
        for seed in itertools.islice(seeds, min(tables, frames))
    ]
    wall, cpu, memory = np.empty(frames), np.empty(frames), []
    per_table = max(1, frames // len(films))
    for number in range(frames):
        if number % per_table == 0:
            eyes.pipeline.forget()
        pictures = messages(eyes, eyes.frame(films[number // per_table % len(films)]))
        started, used = time.perf_counter(), time.process_time()
        scene_from(eyes, *pictures)
        wall[number] = time.perf_counter() - started
        cpu[number] = time.process_time() - used
        if (number + 1) % max(1, frames // 10) == 0:
            memory.append(_resident_mb())
    return Pace(wall * 1e3, cpu * 1e3, tuple(memory))


def messages(eyes: Eyes, frame: CameraFrame) -> tuple[Image, Image, CameraInfo]:
    """Colour, depth and camera_info of a frame, as the simulator sends them."""
    time_s, name = frame.stamp_ns * 1e-9, RGBD_FRAMES[OVERHEAD_CAMERA]
    return (
        convert.image(time_s, name, 'rgb8', frame.rgb),
        convert.image(time_s, name, '32FC1', frame.depth),
        convert.camera_info(time_s, name, eyes.intrinsics),
    )


def _resident_mb() -> float:
    """Memory of this process that is in RAM (Linux)."""
    pages = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[1])
    return pages * resource.getpagesize() / 1e6


def scene_from(eyes: Eyes, color: Image, depth: Image, info: CameraInfo) -> object:
    """Messages of a picture to the scene's, as the node does it; None: not yet."""
    check_set(color, depth, info)
    stamp = color.header.stamp
    scene = eyes.pipeline.process(
        CameraFrame(
            rgb_from_image(color),
            depth_from_image(depth),
            intrinsics_from_info(info),
            eyes.cell.workspace_from_camera,
            stamp.sec * 1_000_000_000 + stamp.nanosec,
        )
    )
    return None if scene is None else scene_message(scene, eyes.parameters.workspace_frame)
