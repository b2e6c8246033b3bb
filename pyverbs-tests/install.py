#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
What "cmake --install" puts on a machine works, the provider included, and the
distribution's provider comes back.
"""
import os
import pathlib
import subprocess
import unittest

from provider import PLAIN, without_plugin

BUILD = os.environ['ODP_BUILD_DIR']
MANUAL = pathlib.Path('/usr/local/share/man')
STOCK = pathlib.Path('/etc/libibverbs.d/rxe.driver')


def call(*command, **kwargs):
    """Runs a command that must work; what it printed."""
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE, **kwargs).stdout


class Install(unittest.TestCase):
    """On the guest, which forgets it all."""

    @classmethod
    def setUpClass(cls):
        cls.entry = STOCK.read_text(encoding='ascii')
        print(call('cmake', '--install', BUILD))

    @classmethod
    def tearDownClass(cls):
        if not STOCK.exists():
            call('rxe-odp-provider', 'off')

    def test_1_provider_is_in_place(self):
        self.assertFalse(STOCK.exists())
        self.assertEqual(without_plugin(PLAIN), ['pinned'])
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['explicit'])

    def test_2_tools_run(self):
        env = {k: v for k, v in os.environ.items() if k != 'LD_LIBRARY_PATH'}
        call('ldconfig')
        for tool in 'odpstat', 'odpmap':
            self.assertIn('Usage', call(tool, '--help', env=env))

    def test_3_library_is_found(self):
        self.assertIn('-lodp', call('pkg-config', '--libs', 'libodp'))
        source = '#include <infiniband/odp.h>\nint main(void) { return !odp_dereg; }'
        call('sh', '-c', 'cc -x c - $(pkg-config --cflags --libs libodp) '
             '-o /tmp/uses_odp && /tmp/uses_odp', input=source)

    def test_4_manual_is_there(self):
        for page in '7/odp.7', '3/odp_reg.3', '4/rxe_odp.4', '8/odpstat.8':
            self.assertTrue(MANUAL.joinpath('man' + page).exists(), page)

    def test_5_modules_are_there(self):
        self.assertTrue(list(pathlib.Path('/lib/modules').glob(
            f'{os.uname().release}/updates/**/rdma_odp.ko*')))

    def test_6_stock_provider_comes_back(self):
        call('rxe-odp-provider', 'off')
        self.assertEqual(STOCK.read_text(encoding='ascii'), self.entry)
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['pinned'])
        call('rxe-odp-provider', 'on',
             str(next(pathlib.Path('/usr/local').rglob('librxe-odp-rdmav*.so')))
             .split('-rdmav', maxsplit=1)[0])
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['explicit'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
