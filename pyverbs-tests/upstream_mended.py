#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
The tests of upstream/ on the kernel's own rxe with the mends of kernel/upstream:
what fails without them passes. Prints what each test finds on both, with the
distribution's provider; ./run series --test runs it.

    upstream_mended.py FOLDER MODULE

FOLDER holds rdma-core's tests/ with them in it; MODULE is the mended
rdma_rxe.ko. The tests that may crash the distribution's kernel run on the mended
one alone.
"""
import sys

from upstream import PASSED, SKIPPED
from upstream_stock import MAY_CRASH, outcomes_in_tree, short


def main():
    folder, module = sys.argv[1:]
    mended = outcomes_in_tree(folder, [], module)
    stock = outcomes_in_tree(folder, [test for test in mended if short(test) not in MAY_CRASH])
    print('| test | in tree | mended |\n| --- | --- | --- |')
    for test, what in mended.items():
        print(f'| `{short(test)}` | {stock.get(test, "not run: it may crash")} | {what} |')
    wrong = [test for test, what in mended.items() if not what.startswith((PASSED, SKIPPED))]
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
