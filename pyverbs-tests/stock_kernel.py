#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Our provider with the distribution's own rxe: what that can do works as before,
what it cannot do is refused.
"""
import errno
import platform
import subprocess
import sys
import unittest

from child import ADVISE, ON_DEMAND, PLAIN, run
from stock import stock_rxe

TRAFFIC = '''
from pyverbs.mr import MR
from loop import ALL, Loop
loop = Loop()
src, dst = MR(loop.pd, 8192, ALL), MR(loop.pd, 8192, ALL)
text = ''.join(chr(ord('a') + i * i % 23) for i in range(8192))
src.write(text, 8192)
loop.write(src, src.buf + 1, dst, dst.buf, 8191)
print(dst.read(8191, 0).decode() == text[1:])
'''

# Before 6.16 rxe had no on-demand paging.
HAS_NONE = tuple(map(int, platform.release().split('.')[:2])) < (6, 16)


class StockKernel(unittest.TestCase):
    """All of it with our provider."""

    def test_traffic(self):
        done = subprocess.run([sys.executable, '-c', TRAFFIC], text=True,
                              cwd=sys.path[0], check=False,
                              capture_output=True)
        self.assertEqual(done.stdout.split(), ['True'], done.stderr)

    def test_pinned(self):
        self.assertEqual(run(PLAIN), ['pinned'])
        self.assertEqual(run(PLAIN, RXE_ODP='off'), ['pinned'])

    def test_off(self):
        self.assertEqual(run(ON_DEMAND, RXE_ODP='off'),
                         [str(errno.EOPNOTSUPP)])

    @unittest.skipUnless(HAS_NONE, 'this kernel has on-demand paging of its own')
    def test_on_demand_is_refused(self):
        self.assertEqual(run(ON_DEMAND), [str(errno.EOPNOTSUPP)])
        self.assertEqual(run(PLAIN, RXE_ODP='force'), [str(errno.EOPNOTSUPP)])

    @unittest.skipIf(HAS_NONE, 'this kernel has no on-demand paging of its own')
    def test_the_kernels_own(self):
        self.assertEqual(run(ADVISE), ['done'])


if __name__ == '__main__':
    with stock_rxe():
        unittest.main(verbosity=2)
