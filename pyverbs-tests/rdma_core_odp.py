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

NOT_FOR_RXE = {'test_odp_xrc_traffic'}
HUGE_PAGES = 64


def reserve_huge_pages():
    with open('/proc/sys/vm/nr_hugepages', 'r+', encoding='ascii') as f:
        if int(f.read()) < HUGE_PAGES:
            f.seek(0)
            f.write(str(HUGE_PAGES))


def main():
    sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests']
    # The suite takes its device from the command line.
    sys.argv[1:] = ['--dev', 'rxe0', '--gid', '1']
    from args_parser import parser
    parser.parse_args()
    reserve_huge_pages()

    suite = unittest.defaultTestLoader.loadTestsFromName('tests.test_odp')
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    skipped = {test.id().split('.')[-1] for test, _ in result.skipped}
    for name in sorted(skipped - NOT_FOR_RXE):
        print(f'{name} was skipped: a feature of ours is missing')
    return not result.wasSuccessful() or skipped != NOT_FOR_RXE


if __name__ == '__main__':
    sys.exit(main())
