"""How long the verifier takes for a program of 60 lines, and for what it takes.

./cap bench verifier                     # programs of the prompts' examples, put together

CPU time of this process: the machine's load does not count. Python's own parser and compiler, which
the verifier calls once each, are the yardstick.
"""

import argparse
import ast
import random
import statistics
import time
from collections.abc import Callable

from cap_bringup.campaign import draw_seeds
from cap_planner.domains import DOMAINS, Domain
from cap_planner.verifier import verify

LINES = 60
LIMIT_MS = 5.0


def program(domain: Domain, seed: int) -> str:
    """Examples of the prompts in a drawn order, LINES lines of them."""
    sources = [
        example.program
        for lmp in (domain.ui, *domain.lmps.values())
        for example in lmp.examples
        if 'raise' not in example.program
    ]
    random.Random(seed).shuffle(sources)
    lines = [line for source in sources * 3 for line in source.splitlines()]
    while True:
        text = '\n'.join(lines[:LINES]) + '\n'
        try:
            compile(text, 'program', 'exec')
        except SyntaxError:  # cut in the middle of a statement
            lines = lines[1:]
        else:
            return text


def median_ms(work: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--programs', type=int, default=20)
    parser.add_argument('--repeats', type=int, default=50)
    args = parser.parse_args()
    figures: list[tuple[float, float]] = []
    for seed in draw_seeds(args.programs):
        for domain in DOMAINS.values():
            text = program(domain, seed)

            def check(text: str = text, domain: Domain = domain) -> object:
                return verify(text, domain.api, allow_undefined=True)

            def parse(text: str = text) -> object:
                return ast.parse(text), compile(text, 'program', 'exec')

            figures.append((median_ms(check, args.repeats), median_ms(parse, args.repeats)))
    times = sorted(ms for ms, _ in figures)
    ratio = statistics.median(ms / yardstick for ms, yardstick in figures)
    within = sum(ms < LIMIT_MS for ms in times)
    print(
        f'{len(times)} programs of {LINES} lines: median {statistics.median(times):.2f} ms, '
        f'slowest {times[-1]:.2f} ms of CPU; {within} within {LIMIT_MS:g} ms; '
        f'{ratio:.1f} times as long as Python parses and compiles them'
    )


if __name__ == '__main__':
    main()
