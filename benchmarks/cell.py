"""How much faster than time the simulated cell runs on one core, and whether a seed decides all.

./cap bench cell                         # 10 blocks and 10 bowls, each gripper in turn

The arm picks up blocks, swings them about at full speed and puts them back; every 8 ms its state is
read, as over ROS. No planner, no rendering, no ROS. CPU time of this process: the machine's load
does not count. The exit status is 0 if each gripper's run is FASTEST times real time or more, and
to the last bit the same when it is repeated.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cap_bringup.campaign import draw_seeds
from cap_bringup.workspace import ROOT
from cap_common.config import read_config
from cap_description import ARM_JOINTS, cell_urdf
from cap_sim.arm import MotionState, Tolerances
from cap_sim.cell import Cell
from cap_sim.layout import random_layout
from cap_sim.parameters import Parameters
from cap_sim.shapes import size_of
from cap_sim.trajectory import PreparedTrajectory, Waypoint
from cap_sim.world import TIMESTEP_S
from cap_skills.kinematics import tool_down
from cap_skills.robot_model import robot_model

BLOCKS = BOWLS = 10
FASTEST = 25.0
STEPS = 4
ABOVE, HIGH = 0.12, 0.25
# Per tool: how far below a block's top its tcp is when it takes hold, and what opens it.
TOOLS = {'suction': (0.004, 1.0), 'jaw': (0.018, 0.056)}
STILL, MOVING, HOLDING = 'standing still', 'moving, nothing held', 'moving, a block held'


@dataclass
class Spent:
    """CPU and simulated time [s]."""

    cpu: float = 0.0
    simulated: float = 0.0

    @property
    def factor(self) -> float:
        return self.simulated / self.cpu


@dataclass
class Bench:
    """A cell whose arm is driven by tool poses in base_link, and what it took."""

    cell: Cell
    tool: str
    spent: dict[str, Spent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kinematics = robot_model(cell_urdf(tool=self.tool)).kinematics
        self._digest = hashlib.sha256()
        self._phase = STILL

    def digest(self) -> str:
        """Of all states so far."""
        return self._digest.hexdigest()

    def run(self, until: Callable[[], bool]) -> None:
        spent = self.spent.setdefault(self._phase, Spent())
        while not until():
            start = time.process_time()
            self.cell.step(STEPS)
            state = self.cell.state()
            spent.cpu += time.process_time() - start
            spent.simulated += STEPS * TIMESTEP_S
            for part in (state.q, state.qd, state.torque, state.force, state.poses):
                self._digest.update(part.tobytes())

    def wait(self, seconds: float) -> None:
        end = self.cell.time_s + seconds
        self.run(lambda: self.cell.time_s >= end)

    def go(self, position: np.ndarray, yaw: float) -> None:
        """As fast as the joints can."""
        near = self.cell.reference().q
        goal = self._kinematics.down(tool_down(position, yaw), near)
        # A cubic from rest to rest peaks at 1.5 times its mean speed.
        seconds = max(1.6 * float(np.abs(goal - near).max()) / np.pi, 0.3)
        points = [Waypoint(seconds, tuple(goal), (0.0,) * 6)]
        prepared = PreparedTrajectory(ARM_JOINTS, points, self.cell.limits, 0.05)
        motion = self.cell.follow(
            prepared.join, Tolerances(np.full(6, 0.1), np.full(6, 0.005), 1.0)
        )
        self.run(motion.ended.is_set)
        if motion.state is not MotionState.SUCCEEDED:
            sys.exit(f'{self.tool}: {motion.state.value}: {motion.text}')

    def carry(self, name: str, away: np.ndarray) -> None:
        """Pick up a block, swing it to a point high above the table and back, put it down."""
        depth, opened = TOOLS[self.tool]
        block = next(item for item in self.cell.state().objects if item.spec.name == name)
        x, y = -block.pose[1, 3], block.pose[0, 3]
        # Fingers close across a face.
        yaw = float(np.arctan2(block.pose[1, 0], block.pose[0, 0]))
        top = np.array([x, y, size_of('block')[2]])
        above = top + np.array([0, 0, ABOVE])
        self._phase = MOVING
        self.cell.grip(opened)
        self.go(above, yaw)
        if self.tool == 'suction':
            self.cell.grip(0.0)
        self.go(top - np.array([0, 0, depth]), yaw)
        self.cell.grip(0.0)
        self.run(self.cell.grip_settled)
        self._phase = HOLDING
        self.go(above, yaw)
        self.go(away, yaw + 1.5)
        self.go(above, yaw)
        if self.cell.state().tool.held != name:
            sys.exit(f'{self.tool}: the {name} is not held')
        self.go(top - np.array([0, 0, depth - 0.001]), yaw)
        self._phase = MOVING
        self.cell.grip(opened)
        self.run(self.cell.grip_settled)
        self.go(above, yaw)


def run(tool: str, seed: int, carries: int) -> Bench:
    rng = np.random.default_rng(seed)
    layout = random_layout(seed, BLOCKS, BOWLS)
    parameters = read_config(ROOT / 'config' / 'sim.yaml', 'sim', Parameters)
    bench = Bench(Cell(cell_urdf(tool=tool), parameters, layout), tool)
    bench.wait(2.0)
    blocks = [spec.name for spec in layout.objects if spec.kind == 'block']
    for name in rng.permutation(blocks)[:carries]:
        turn = rng.uniform(-0.6, 0.6)
        bench.carry(str(name), np.array([0.5 * np.cos(turn), 0.5 * np.sin(turn), HIGH]))
    return bench


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=draw_seeds(1)[0])
    parser.add_argument('--carries', type=int, default=5, help='blocks that are picked up')
    options = parser.parse_args()
    print(f'seed {options.seed}: {BLOCKS} blocks, {BOWLS} bowls, {1 / TIMESTEP_S:.0f} Hz')
    good = True
    for tool in TOOLS:
        first, again = (run(tool, options.seed, options.carries) for _ in range(2))
        total = Spent(
            sum(each.cpu for each in first.spent.values()),
            sum(each.simulated for each in first.spent.values()),
        )
        same = first.digest() == again.digest()
        good = good and same and total.factor >= FASTEST
        print(f'\n{tool:24s} simulated   CPU time   times real time')
        for name, spent in {**first.spent, 'all': total}.items():
            print(f'{name:24s} {spent.simulated:7.1f} s {spent.cpu:8.2f} s   {spent.factor:8.1f}')
        print(f'{"repeated":24s} {"the same to the last bit" if same else "NOT the same"}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
