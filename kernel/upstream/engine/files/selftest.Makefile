# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
obj-$(CONFIG_RDMA_ODP_SELFTEST) += odp_selftest.o

odp_selftest-y := \
	main.o \
	hold.o \
	table.o \
	map.o \
	speed.o
