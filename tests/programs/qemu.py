#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
QEMU's migration over RDMA, on SoftRoCE: a virtual machine whose memory is a file
on an NVDIMM moves into another one's. Such files cannot be pinned, so QEMU asks
for on-demand regions; in RAM it gets them with RXE_ODP=force.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

DAX_MOUNT = sys.argv.pop(1)
ADDRESS = '192.0.2.1'
MIB = 1 << 20
MEMORY = 64
# Firmware writes below.
DATA = 2 * MIB
PATIENCE = 60   # seconds: longer than any migration that works


class Machine:
    """A stopped virtual machine, and a connection to its monitor."""

    def __init__(self, folder, memory, *options, **env):
        path = os.path.join(folder, 'monitor')
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        server.settimeout(PATIENCE)
        self.qemu = subprocess.Popen(
            ['qemu-system-x86_64', '-M', 'pc,accel=tcg,memory-backend=ram',
             '-m', f'{MEMORY}', '-nodefaults', '-display', 'none', '-S',
             '-object', f'memory-backend-file,id=ram,size={MEMORY}M,'
                        f'mem-path={memory},share=on',
             '-qmp', f'unix:{path}', *options],
            env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
        connection = server.accept()[0]
        self.monitor = connection.makefile('rw')
        connection.close()
        server.close()
        os.unlink(path)
        self.monitor.readline()
        self.call('qmp_capabilities')
        self.call('migrate-set-capabilities',
                  capabilities=[{'capability': 'events', 'state': True}])

    def call(self, command, **arguments):
        json.dump({'execute': command, 'arguments': arguments}, self.monitor)
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if 'event' not in answer:
                return answer['return']

    def moved(self):
        """Waits for the end of a migration; how it ended."""
        for line in self.monitor:
            event = json.loads(line)
            if event.get('event') == 'MIGRATION' and \
                    event['data']['status'] in ('completed', 'failed'):
                return event['data']['status']
        return self.qemu.stderr.read()

    def end(self):
        self.qemu.kill()
        self.qemu.communicate()
        self.monitor.close()


def pages_on_demand():
    """How often the device has gone for pages, for accesses or ahead of them."""
    total = 0
    for name in 'odp_page_faults', 'odp_page_prefetched':
        path = f'/sys/class/infiniband/rxe0/ports/1/hw_counters/{name}'
        with open(path, encoding='ascii') as file:
            total += int(file.read())
    return total


class Migration(unittest.TestCase):
    """From one machine to another, which is the same here."""

    def setUp(self):
        if not shutil.which('qemu-system-x86_64'):
            self.skipTest('there is no QEMU')
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def memory(self, folder, name, data):
        path = os.path.join(folder, name)
        with open(path, 'wb') as file:
            file.truncate(MEMORY * MIB)
            file.seek(DATA)
            file.write(data)
        return path

    def migrate(self, folder, port, **env):
        data = os.urandom(MEMORY * MIB - DATA)
        there = self.memory(folder, 'there', b'')
        uri = f'rdma:{ADDRESS}:{port}'
        to = Machine(self.folder, there, '-incoming', uri, **env)
        self.addCleanup(to.end)
        source = Machine(self.folder, self.memory(folder, 'here', data), **env)
        self.addCleanup(source.end)
        before = pages_on_demand()
        source.call('migrate', uri=uri)
        self.assertEqual(source.moved(), 'completed')
        self.assertEqual(to.moved(), 'completed')
        with open(there, 'rb') as file:
            file.seek(DATA)
            self.assertTrue(file.read() == data, 'wrong data')
        self.assertGreater(pages_on_demand(), before)

    def test_persistent_memory(self):
        folder = os.path.join(self.folder, 'dax')
        mount = subprocess.run([DAX_MOUNT, 'ext4', folder], check=False,
                               capture_output=True, text=True)
        if mount.returncode:
            self.skipTest(mount.stdout)
        self.addCleanup(subprocess.run, ['umount', '-l', folder], check=True)
        self.migrate(folder, 18902)

    def test_forced(self):
        self.migrate(self.folder, 18903, RXE_ODP='force')


if __name__ == '__main__':
    unittest.main(verbosity=2)
