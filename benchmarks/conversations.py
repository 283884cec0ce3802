"""The paper's conversations (appendices H and I), turn by turn, in the simulation over ROS.

./cap bench conversations                          # all four; exact scenes for the fruits
./cap bench conversations --only "four blocks" --seed 3
./cap bench conversations --model openai:NAME --source camera

Every turn is judged by cap_eval from the simulator's state and what was said. A turn
is asked even if one before it went wrong, as a person would go on. The exit status is 0 if all
were right.
"""

import argparse
import itertools
import sys
import threading
import time
from collections.abc import Iterator

from cap_bringup.client import Client
from cap_bringup.testing import evidence_folder, running_system
from cap_common.errors import CapError
from cap_eval.conversations import CONVERSATIONS, Conversation, Told, judge_turn
from cap_eval.drawing_conversation import WHITEBOARD
from cap_eval.state import WorldState

TURN_S = 400.0
WORLDS_TRIED = 200
EGG_S = 5.0
"""After so long the egg comes that is waited for [s]."""


def set_up(client: Client, conversation: Conversation, seed: int) -> tuple[int, WorldState]:
    """The first world from this seed on in which every turn can be carried out."""
    if not conversation.blocks:
        return seed, client.world()
    for candidate in range(seed, seed + WORLDS_TRIED):
        client.reset_world(candidate, conversation.blocks, conversation.bowls)
        world = client.world()
        if conversation.is_possible(world):
            return candidate, world
    raise SystemExit(f'no world of {WORLDS_TRIED} from seed {seed} lets all turns be carried out')


def run(
    client: Client, conversation: Conversation, world: WorldState, session: str
) -> Iterator[tuple[str, str, str, float]]:
    """(instruction, answer or error, why it is wrong, seconds) of each turn."""
    worlds = [world]
    for turn in conversation.turns:
        egg = threading.Timer(EGG_S, client.spawn, ['egg'])
        if 'egg' in turn.instruction:
            egg.start()
        started = time.monotonic()
        answer, error = '', ''
        try:
            result = client.execute(turn.instruction, session=session, timeout_s=TURN_S)
            answer, error = result.answer, result.error_msg
        except CapError as failure:
            error = str(failure)
        seconds = time.monotonic() - started
        egg.cancel()
        worlds.append(client.world())
        wrong = judge_turn(turn, Told(worlds, answer))
        reported = error.strip().splitlines()[-1:] if error else []
        yield turn.instruction, ' '.join([*answer.splitlines(), *reported]), wrong, seconds


def hold(conversation: Conversation, options: argparse.Namespace) -> list[bool]:
    """Which turns of one conversation were right."""
    source = options.source or ('ground_truth' if conversation.world == 'fruits' else 'camera')
    arguments = {
        'model': options.model,
        'source': source,
        'seed': str(options.seed),
        'real_time_factor': options.real_time_factor,
    }
    if conversation.world == WHITEBOARD.world:
        arguments['domain'] = 'whiteboard'
    else:
        arguments['world'] = conversation.world
    right: list[bool] = []
    with (
        evidence_folder('conversation', lambda: not all(right)) as folder,
        running_system(folder, restart=True, **arguments) as system,
    ):
        seed, world = set_up(system.client, conversation, options.seed)
        print(f'\n{conversation.name}: seed {seed}, scene from {source}')
        turns = run(system.client, conversation, world, f'{conversation.name} {seed}')
        for instruction, said, wrong, seconds in itertools.islice(turns, options.turns):
            right.append(not wrong)
            verdict = 'WRONG' if wrong else 'right'
            print(f'{len(right):3d} {verdict} {seconds:6.1f} s  {instruction}')
            for text in filter(None, (said, wrong)):
                print(f'          {text}', flush=True)
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    conversations = (*CONVERSATIONS, WHITEBOARD)
    names = [conversation.name for conversation in conversations]
    parser.add_argument('--only', nargs='*', default=names, choices=names)
    parser.add_argument('--model', default='offline')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--turns', type=int, default=99, help='only so many first ones')
    parser.add_argument('--source', choices=('camera', 'ground_truth'), help='of the scene')
    parser.add_argument('--real-time-factor', default='1.0')
    options = parser.parse_args()
    found = {c.name: hold(c, options) for c in conversations if c.name in options.only}
    print(f'\n{"conversation":28s} right  of')
    for name, right in found.items():
        print(f'{name:28s} {sum(right):5d} {len(right):3d}')
    return 0 if all(right and all(right) for right in found.values()) else 1


if __name__ == '__main__':
    sys.exit(main())
