# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
CFLAGS += -Wall -Wextra -O2 $(KHDR_INCLUDES) -I$(top_srcdir)/drivers/infiniband/sw/odp/selftest

TEST_GEN_PROGS := odp

include ../lib.mk
