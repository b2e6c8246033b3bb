#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
perftest on on-demand memory: every tool with --odp, and unmodified with
RXE_ODP=force. A run that ends, in both processes, is what is asked for; data
is checked elsewhere.
"""
import itertools
import os
import re
import subprocess
import sys
import time
import unittest

DEVICE = ['-d', 'rxe0', '-x', '1', '-F']
LIMIT = 60      # seconds: longer than any run that works
TOOLS = [f'ib_{op}_{kind}' for op, kind in itertools.product(
    ('write', 'read', 'send', 'atomic'), ('bw', 'lat'))]


def address():
    """The IPv4 address of the interface below rxe0."""
    out = subprocess.run(['ip', '-4', '-br', 'addr', 'show', 'dummy0'],
                         check=True, capture_output=True, text=True).stdout
    return re.search(r'(\d+\.\d+\.\d+\.\d+)/', out).group(1)


def listens(port):
    """Whether a server is ready: nothing tells when."""
    with open('/proc/net/tcp', encoding='ascii') as tcp4, \
            open('/proc/net/tcp6', encoding='ascii') as tcp6:
        lines = tcp4.readlines()[1:] + tcp6.readlines()[1:]
    return any(int(line.split()[1].split(':')[1], 16) == port and
               line.split()[3] == '0A' for line in lines)


class Perftest(unittest.TestCase):
    """One test a tool and way."""

    ports = itertools.count(18600)

    def pair(self, tool, options, env):
        port = next(self.ports)
        command = [tool, *DEVICE, '-p', str(port), '-n', '100', *options]
        env = {**os.environ, **env}
        with subprocess.Popen(command, env=env, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as server:
            try:
                while not listens(port) and server.poll() is None:
                    time.sleep(0.01)
                client = subprocess.run([*command, address()], env=env,
                                        timeout=LIMIT, text=True, check=False,
                                        capture_output=True)
                out = server.communicate(timeout=LIMIT)[0]
            finally:
                server.kill()
        self.assertEqual(client.returncode, 0, client.stdout + client.stderr)
        self.assertEqual(server.returncode, 0, out)


def add_tests():
    for tool in TOOLS:
        def with_odp(self, tool=tool):
            self.pair(tool, ['--odp'], {})

        def forced(self, tool=tool):
            self.pair(tool, [], {'RXE_ODP': 'force'})

        setattr(Perftest, f'test_{tool}_odp', with_odp)
        setattr(Perftest, f'test_{tool}_forced', forced)


if __name__ == '__main__':
    if not os.environ.get('IBV_DRIVERS'):
        sys.exit('perftest.py: IBV_DRIVERS does not name our provider')
    add_tests()
    unittest.main(verbosity=2)
