"""The ten families of instructions, with the offline model and the camera as the only eye.

./cap bench tabletop_families            # 15 worlds each
./cap bench tabletop_families --seeds 2 --families stack_all

The exit status is 0 if every instruction was carried out, and reported so.
"""

import argparse
import os
import platform
import sys
from pathlib import Path

from cap_bringup.campaign import ALL_FAMILIES, run_campaign
from cap_bringup.testing import evidence_folder, running_system
from cap_eval.report import Run, to_json, to_markdown


def all_good(runs: list[Run]) -> bool:
    return all(run.reported and run.carried_out for run in runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seeds', type=int, default=15, help='worlds of each family')
    parser.add_argument('--families', nargs='*', default=ALL_FAMILIES, choices=ALL_FAMILIES)
    parser.add_argument(
        '--real-time-factor', default='1.0', help='faster than real time outruns the camera'
    )
    parser.add_argument('--out', type=Path, default=Path('out/tabletop_families'))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    runs = []

    def on_run(run) -> None:
        runs.append(run)
        said = 'ok' if run.reported else 'failed'
        print(
            f'{len(runs):4d}  {run.family:16s} seed {run.seed:<11d} reported {said:7s}'
            f'carried out {run.carried_out!s:6s} {run.seconds:5.1f} s  {run.instruction}'
            + ('' if run.carried_out and run.reported else f'  [{run.reason}]'),
            flush=True,
        )

    arguments = {'real_time_factor': options.real_time_factor}
    try:
        with (
            evidence_folder('families', lambda: not all_good(runs)) as folder,
            running_system(folder, restart=True, **arguments) as system,
        ):
            run_campaign(system.client, options.families, options.seeds, on_run, system.wait_ready)
    finally:  # a campaign that breaks off has still measured something
        machine = f'{platform.machine()}, {os.cpu_count()} cores'
        print(to_markdown(runs))
        (options.out / 'report.md').write_text(to_markdown(runs), encoding='utf-8')
        (options.out / 'report.json').write_text(to_json(runs, machine=machine), encoding='utf-8')
    return 0 if all_good(runs) else 1


if __name__ == '__main__':
    sys.exit(main())
