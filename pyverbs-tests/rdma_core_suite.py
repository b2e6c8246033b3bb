# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
rdma-core's own tests, run from its folder of tests on rxe0.

    rdma_core_suite.py FOLDER [TEST...]

runs these tests, or all that a SoftRoCE device can run, and prints a line
"wanted TEST" for each and "passed TEST" for each that passes.
"""
import os
import subprocess
import sys
import unittest

HUGE_PAGES = 64
# What is for other devices.
FOREIGN = ('mlx5', 'efa', 'cuda', 'irdma')
WANTED = 'wanted '
PASSED = 'passed '


def reserve_huge_pages():
    """Some tests want them."""
    with open('/proc/sys/vm/nr_hugepages', 'r+', encoding='ascii') as f:
        if int(f.read()) < HUGE_PAGES:
            f.seek(0)
            f.write(str(HUGE_PAGES))


def prepare(folder):
    """The suite takes its device from the command line."""
    sys.path[:0] = [folder, folder + '/tests']
    sys.argv[1:] = ['--dev', 'rxe0', '--gid', '1']
    from args_parser import parser
    parser.parse_args()
    reserve_huge_pages()


class Outcomes(unittest.TextTestResult):
    """Tells of each test that passes, at once: a later one may kill us."""

    def addSuccess(self, test):
        super().addSuccess(test)
        print(PASSED + test.id(), flush=True)


def each_of(suite):
    """The tests of a suite of suites."""
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from each_of(part)
        else:
            yield part


def run_suite(name, suite):
    """Runs tests in a child, which they may kill."""
    for test in each_of(suite):
        print(WANTED + test.id(), flush=True)
    pid = os.fork()
    if not pid:
        unittest.TextTestRunner(verbosity=2, resultclass=Outcomes).run(suite)
        sys.stderr.flush()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        print(f'{name} died: {status}', flush=True)


def told(output, word):
    """The set of tests of which a run said that word."""
    return {line.removeprefix(word) for line in output.splitlines()
            if line.startswith(word)}


def passed(folder, *names, env=None):
    """The set of those tests, or of all, that pass, and what was printed."""
    out = subprocess.run([sys.executable, __file__, folder, *names], env=env,
                         text=True, check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT).stdout
    return told(out, PASSED), out


def main():
    folder, *names = sys.argv[1:]
    prepare(folder)
    load = unittest.defaultTestLoader
    if names:
        run_suite('one of them', load.loadTestsFromNames(names))
        return
    import tests
    for each in tests.__test_modules__:
        if not any(word in each.__name__ for word in FOREIGN):
            run_suite(each.__name__, load.loadTestsFromModule(each))


if __name__ == '__main__':
    main()
