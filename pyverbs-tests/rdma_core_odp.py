#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs rdma-core's own tests of on-demand paging on rxe0, with our provider.

    rdma_core_odp.py FOLDER

FOLDER holds rdma-core's tests/. All must pass but the one of XRC, which rxe
does not have; a test that is skipped for another reason fails this.
"""
import sys
import unittest

from rdma_core_suite import prepare

NOT_FOR_RXE = {'test_odp_xrc_traffic'}


def main():
    prepare(sys.argv[1])
    suite = unittest.defaultTestLoader.loadTestsFromName('tests.test_odp')
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    skipped = {test.id().split('.')[-1] for test, _ in result.skipped}
    for name in sorted(skipped - NOT_FOR_RXE):
        print(f'{name} was skipped: a feature of ours is missing')
    return not result.wasSuccessful() or skipped != NOT_FOR_RXE


if __name__ == '__main__':
    sys.exit(main())
