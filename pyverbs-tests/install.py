#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
What "cmake --install" puts on a machine works, and what it says to do next: the
modules, and the provider, with the distribution's behind it.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

from child import PLAIN, without_plugin

BUILD = os.environ['ODP_BUILD_DIR']
MANUAL = pathlib.Path('/usr/local/share/man')
STOCK = pathlib.Path('/etc/libibverbs.d/rxe.driver')

# Installs the modules to a folder like the one that the kernel has them in; what modprobe would load.
MODULES = '''
    mkdir /tmp/modules
    mount -t tmpfs none /tmp/modules
    (cd "$1" && cp -r --parents modules.builtin* modules.order kernel/drivers/infiniband kernel/net/ipv4 \\
        kernel/net/ipv6 kernel/lib /tmp/modules)
    mount --move /tmp/modules "$1"
    rmdir /tmp/modules
    cmake --install "$2" --component modules >&2
    modprobe --show-depends rdma_rxe
'''

# Installs to a prefix, as a user. What access() says of his right to read hangs on the secure bit, too.
READER = '''
    mount --bind "$1/notes" "$2/install_manifest.txt"
    exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+dac_read_search \\
        --ambient-caps=-all,+dac_read_search --securebits=+no_setuid_fixup \\
        cmake --install "$2" --prefix "$1"
'''


def call(*command, **kwargs):
    """Runs a command that must work; what it printed."""
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE, **kwargs).stdout


class Install(unittest.TestCase):
    """On the guest, which forgets it all."""

    @classmethod
    def setUpClass(cls):
        cls.entry = STOCK.read_text(encoding='ascii')
        print(call('cmake', '--install', BUILD), flush=True)

    @classmethod
    def tearDownClass(cls):
        call('rxe-odp-provider', 'off')

    def test_0_nothing_of_etc_is_touched(self):
        self.assertEqual(STOCK.read_text(encoding='ascii'), self.entry)
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['pinned'])

    def test_1_provider_is_in_place(self):
        call('rxe-odp-provider', 'on')
        self.assertIn('is used: /usr/local', call('rxe-odp-provider', 'status'))
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

    def test_5_modules_come_first(self):
        """On a machine that has RDMA's modules alone: depmod reads for half a minute here if it has all."""
        found = call('unshare', '--mount', 'sh', '-ec', MODULES, 'sh',
                     f'/lib/modules/{os.uname().release}', BUILD)
        for module in 'rdma_odp', 'rdma_rxe':
            self.assertRegex(found, f'insmod .*/updates/.*{module}[.]ko')

    def test_6_a_user_installs_to_a_prefix(self):
        """
        The folders are another's here, who may keep them to himself: the user may read all, but
        write nothing; and cmake notes in the build folder what it installs.
        """
        with tempfile.TemporaryDirectory() as prefix:
            notes = pathlib.Path(prefix, 'notes')
            notes.touch()
            for path in prefix, notes:
                os.chown(path, 65534, 65534)
            call('unshare', '--mount', 'sh', '-ec', READER, 'sh', prefix, BUILD)
            self.assertTrue(list(pathlib.Path(prefix).rglob('libodp.so.1')))

    def test_7_stock_provider_is_behind_ours(self):
        """As after an upgrade of rdma-core to one with another ABI."""
        plugin = next(pathlib.Path('/usr/local').rglob('librxe-odp-rdmav*.so'))
        hidden = plugin.with_suffix('.hidden')
        plugin.rename(hidden)
        try:
            self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['pinned'])
            status = subprocess.run(['rxe-odp-provider', 'status'], check=False,
                                    capture_output=True, text=True)
            self.assertEqual(status.returncode, 1)
            self.assertIn('for another rdma-core', status.stdout)
        finally:
            hidden.rename(plugin)
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['explicit'])

    def test_8_stock_provider_comes_back(self):
        call('rxe-odp-provider', 'off')
        self.assertEqual(STOCK.read_text(encoding='ascii'), self.entry)
        self.assertEqual(without_plugin(PLAIN, RXE_ODP='force'), ['pinned'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
