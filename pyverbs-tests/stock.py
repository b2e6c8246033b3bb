# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
The distribution's own rxe in the place of ours, for a while.
"""
import contextlib
import os
import subprocess


def call(*command):
    """Runs a command that must work."""
    subprocess.run(command, check=True)


def in_use(module):
    """Whether it has users left; nothing tells when the last one goes."""
    with open(f'/sys/module/{module}/refcnt', encoding='ascii') as f:
        return f.read() != '0\n'


def replace(*load):
    """Takes rxe0 and its module away and brings them back by a command."""
    call('rdma', 'link', 'delete', 'rxe0')
    while in_use('rdma_rxe'):
        pass
    call('rmmod', 'rdma_rxe')
    call(*load)
    call('rdma', 'link', 'add', 'rxe0', 'type', 'rxe', 'netdev', 'dummy0')


@contextlib.contextmanager
def stock_rxe():
    """Inside, rxe0 is of the distribution's module."""
    ours = os.environ['ODP_MODULE_DIR'] + '/rdma_rxe.ko'
    try:
        replace('modprobe', 'rdma_rxe')
        yield
    finally:
        replace('insmod', ours)
