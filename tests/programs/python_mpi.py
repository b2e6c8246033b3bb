#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
mpi4py: bytes and objects that go between two processes and into each other's
windows, all of them compared.
"""
import mmap
import random
import sys

from mpi4py import MPI

WORLD = MPI.COMM_WORLD
RANK = WORLD.Get_rank()
OTHER = 1 - RANK
LENGTHS = 1, 100, 4097, 70001, 1 << 20, 3000017


def data(rank, seed, length):
    return random.Random(2 * seed + rank).randbytes(length)


def expect(what, got, wanted):
    if got != wanted:
        sys.stderr.write(f'{what}: the bytes differ\n')
        WORLD.Abort(1)


def messages():
    for seed, length in enumerate(LENGTHS):
        # Memory that is new each time.
        got = mmap.mmap(-1, length)
        WORLD.Sendrecv(data(RANK, seed, length), OTHER, recvbuf=got,
                       source=OTHER)
        expect('a message', got[:], data(OTHER, seed, length))
        got.close()
    thing = {'rank': RANK, 'bytes': data(RANK, 77, 300001)}
    expect('an object', WORLD.sendrecv(thing, OTHER, source=OTHER),
           {'rank': OTHER, 'bytes': data(OTHER, 77, 300001)})


def window():
    length, place = 300001, 4093
    # What is put must stay until the fence.
    out = data(RANK, 88, length)
    memory = mmap.mmap(-1, 1 << 20)
    win = MPI.Win.Create(memory, comm=WORLD)
    win.Fence()
    win.Put(out, OTHER, place)
    win.Fence()
    expect('a put', memory[place:place + length], data(OTHER, 88, length))
    got = bytearray(length)
    win.Get(got, OTHER, place)
    win.Fence()
    expect('a get', bytes(got), out)
    win.Free()


for _ in range(3):
    messages()
    window()
