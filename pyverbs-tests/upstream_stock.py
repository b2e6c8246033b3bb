#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
The tests of upstream/ tell right from wrong: on the distribution's own rxe, with
its provider, those fail that are known to, with wrong data. Prints what each
test finds there and on ours.

    upstream_stock.py FOLDER OURS

FOLDER holds rdma-core's tests/ with them in it; OURS is what upstream.py wrote
of them on ours. Some tests have the distribution's kernel touch memory that is
not its own to touch, which may crash it and so end the guest; they are left out
there, unless ODP_CRASH_STOCK is set:

    ODP_CRASH_STOCK=1 ./run test --kernel 7.3 --full pyverbs.upstream_stock
"""
import os
import subprocess
import sys
import tempfile

from stock import stock_rxe
from stock_kernel import HAS_NONE
from upstream import PASSED, SKIPPED, WRONG_DATA

# An access takes what is left of an iova beyond the region's address for an index
# into an array, and a prefetch takes a pinned region for an on-demand one. What
# comes of that nobody knows before.
MAY_CRASH = {'test_odp_iova_far', 'test_odp_prefetch_pinned_mr'}

# Wrong there: each access that does not start a page, which includes all but the
# first packet of an operation; each iova that is not the address.
WRONG = {
    'test_odp_data_write_remote', 'test_odp_data_write_local',
    'test_odp_data_read_remote', 'test_odp_data_read_local',
    'test_odp_data_send', 'test_odp_data_recv', 'test_odp_data_srq_recv',
    'test_odp_data_both_sides',
    'test_odp_data_ud_send', 'test_odp_data_ud_recv', 'test_odp_data_ud_srq_recv',
    'test_odp_data_mixed_sge_write', 'test_odp_data_mixed_sge_read',
    'test_odp_data_mixed_sge_send', 'test_odp_data_mixed_sge_recv',
    'test_odp_iova_write', 'test_odp_iova_read', 'test_odp_iova_local',
}
PATIENCE = 200  # seconds


def read(path):
    """What came of each test, by its name in the order of the run."""
    with open(path, encoding='utf-8') as lines:
        return dict(line.rstrip('\n').split(' ', 1) for line in lines)


def outcomes_in_tree(folder, names, module=None):
    """Runs them on the distribution's rxe, or another one without an engine."""
    env = {k: v for k, v in os.environ.items() if k != 'IBV_DRIVERS'}
    with tempfile.NamedTemporaryFile() as found, stock_rxe(module):
        done = subprocess.run([sys.executable, sys.path[0] + '/upstream.py', folder, found.name,
                               *names], env=env, check=False, timeout=PATIENCE,
                              capture_output=True, text=True)
        theirs = read(found.name)
    if not theirs:
        raise AssertionError(done.stdout + done.stderr)
    return theirs


def short(test):
    """The name of a test alone."""
    return test.rpartition('.')[2]


def table(ours, theirs):
    """Both, as README has it."""
    print('| test | ours | in tree |\n| --- | --- | --- |')
    for test, what in ours.items():
        print(f'| {short(test)} | {what} | {theirs.get(test, "not run: it may crash")} |')


def surprises(theirs):
    """What is not as it is known to be."""
    for test, what in theirs.items():
        if HAS_NONE:
            if not what.startswith(SKIPPED):
                yield f'{test}: {what}, and this kernel has no on-demand paging'
        elif short(test) in MAY_CRASH:
            continue
        elif (what == WRONG_DATA) != (short(test) in WRONG):
            yield f'{test}: {what}'
        elif not what.startswith((PASSED, WRONG_DATA, SKIPPED)):
            yield f'{test}: {what}'


def main():
    folder, ours = sys.argv[1], read(sys.argv[2])
    out = set() if HAS_NONE or 'ODP_CRASH_STOCK' in os.environ else MAY_CRASH
    run = [test for test in ours if short(test) not in out]
    theirs = outcomes_in_tree(folder, run)
    table(ours, theirs)
    wrong = list(surprises(theirs))
    wrong += [f'{test} did not end' for test in run if test not in theirs]
    wrong += [f'{name}: there is no such test' for name in WRONG - {short(test) for test in ours}]
    for line in wrong:
        print(f'Not as known of the kernel\'s own rxe: {line}')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
