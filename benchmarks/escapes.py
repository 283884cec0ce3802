"""What stops which attack: the escape corpus of cap_planner's tests, every layer tried alone.

./cap bench escapes                 # each attack with its layers off, with all on, with one on
./cap bench escapes --static        # only what the verifier reports; nothing is executed

The exit status is 0 if every attack succeeds without its layers, and none with all of them.
"""

import argparse
import ast
import contextlib
import functools
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / 'src/cap_planner/test'))

from escapes import ATTACKS
from escapes.attack import EVERY_LAYER, TOLD, Attack, Layer
from escapes.firing_range import FiringRange

from cap_eval.wilson import wilson_lower_bound
from cap_planner.api import TABLETOP
from cap_planner.verifier import verify
from cap_planner.verifier.names import bound_names


def kind_of(name: str) -> str:
    return name.partition('/')[0]


def rate(found: int, of: int) -> str:
    bound = wilson_lower_bound(found, of)
    return f'{found} of {of}, {found / of:.1%}; at least {bound:.1%} (95%, Wilson)'


def can_be_tried(attack: Attack) -> bool:
    """Whether this user can try it on this machine."""
    if attack.root and os.geteuid() != 0:
        return False
    return not attack.x86 or platform.machine() == 'x86_64'


def look_without_running() -> None:
    """The static arm."""
    missed = [n for n, a in ATTACKS.items() if verify(a.program, TABLETOP, known=TOLD).ok]
    alone = 0
    for attack in ATTACKS.values():
        given = {*TOLD, *bound_names(ast.parse(attack.program).body)}
        alone += not verify(attack.attempt, TABLETOP, known=given).ok
    total, kinds = len(ATTACKS), Counter(map(kind_of, ATTACKS))
    print(f'The verifier alone, nothing executed: reports {rate(total - len(missed), total)}')
    print(f'  their attempts without what reached for the means: {rate(alone, total)}')
    unseen = Counter(map(kind_of, missed))
    for kind, count in kinds.items():
        print(f'  {kind:14s} {count - unseen[kind]:4d} of {count}')
    print('Not reported, for they are ordinary programs until they run:')
    for name in missed:
        print(f'  {name}')


tell = functools.partial(print, flush=True)


def fire_at_all(opened: FiringRange) -> bool:
    """The live arms; returns whether every attack is one, and none gets through all layers."""
    live: list[str] = []
    touched: list[str] = []
    ended: dict[str, Counter[str]] = {}
    stops: Counter[str] = Counter()
    fails: list[str] = []
    attacks = {name: attack for name, attack in ATTACKS.items() if can_be_tried(attack)}
    for name, attack in attacks.items():
        trial = opened.fire(attack, attack.off)
        if not (trial.ran and attack.goal in trial.touched):
            tell(f'  does not succeed here with its layers off: {name}: {trial.ended}')
            continue
        live.append(name)
        trial = opened.fire(attack, attack.layers & {Layer.SCOPE})
        ended.setdefault(kind_of(name), Counter())[trial.ended.partition(':')[0][:34]] += 1
        if not trial.ran or trial.touched:
            touched.append(name)
            tell(f'  TOUCHED with all layers on: {name}: {trial}')
        for layer in attack.layers:
            alone = opened.fire(attack, attack.off - {layer})
            stops[layer] += attack.goal not in alone.touched
            if attack.goal in alone.touched:
                fails.append(f'{layer} does not stop {name}')
    tell(f'{len(live)} of {len(attacks)} attacks succeed with their layers off')
    tell(f'{len(live) - len(touched)} of these {len(live)} touch nothing with all layers on,')
    tell('the host answering the next program. How they ended, by kind:')
    for kind, ways in ended.items():
        ways_text = ', '.join(f'{count} {way}' for way, count in ways.most_common())
        tell(f'  {kind:14s} {sum(ways.values()):4d}: {ways_text}')
    tell('Attacks that a layer stops alone, the others that they are up against being off:')
    for layer in EVERY_LAYER:
        against = sum(layer in ATTACKS[name].layers for name in live)
        tell(f'  {layer:14s} {stops[layer]:4d} of {against}')
    for text in fails:
        tell(f'  {text}')
    return len(live) == len(attacks) and not touched


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--static', action='store_true', help='only the verifier')
    options = parser.parse_args()
    look_without_running()
    if options.static:
        return 0
    started = time.monotonic()
    with contextlib.closing(FiringRange()) as opened:
        is_well = fire_at_all(opened)
    print(f'{time.monotonic() - started:.0f} s')
    return 0 if is_well else 1


if __name__ == '__main__':
    sys.exit(main())
