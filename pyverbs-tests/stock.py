# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
The distribution's own rxe in the place of ours, for a while. Our modules are
unloaded, the engine too, which complains if anything of it is left.
"""
import contextlib
import os
import pathlib
import subprocess
import time

OURS = ('odp_selftest', 'rdma_rxe', 'rdma_odp')


def call(*command):
    """Runs a command that must work."""
    subprocess.run(command, check=True)


def unload(*modules):
    """Those of them that are there; nothing tells when the last user goes."""
    call('rdma', 'link', 'delete', 'rxe0')
    for name in modules:
        users = pathlib.Path(f'/sys/module/{name}/refcnt')
        if users.exists():
            while users.read_text(encoding='ascii') != '0\n':
                time.sleep(0.01)
            call('rmmod', name)


def make_device():
    """rxe0 as it was."""
    call('rdma', 'link', 'add', 'rxe0', 'type', 'rxe', 'netdev', 'dummy0')


@contextlib.contextmanager
def stock_rxe(module=None):
    """Inside, rxe0 is of the distribution's module, or of another one, a file."""
    folder = os.environ['ODP_MODULE_DIR']
    unload(*OURS)
    try:
        # What the distribution's needs another one needs, too.
        call('modprobe', 'rdma_rxe')
        if module:
            call('rmmod', 'rdma_rxe')
            call('insmod', module)
        make_device()
        yield
    finally:
        unload('rdma_rxe')
        call('insmod', folder + '/rdma_odp.ko')
        call('insmod', folder + '/rdma_rxe.ko')
        make_device()
