// What "rdma statistic" calls them.
@@
initializer list others;
@@
  const struct rdma_stat_desc rxe_counter_descs[] = {
  	others,
+	[RXE_CNT_ODP_FAULTS].name = "odp_page_faults",
+	[RXE_CNT_ODP_FAULTS_LOCAL].name = "odp_page_faults_local",
+	[RXE_CNT_ODP_FAULTS_REMOTE].name = "odp_page_faults_remote",
+	[RXE_CNT_ODP_SLOW_FAULTS].name = "odp_page_slow_faults",
+	[RXE_CNT_ODP_RNR_NAKS].name = "odp_rnr_naks",
+	[RXE_CNT_ODP_PARKED].name = "odp_parked",
+	[RXE_CNT_ODP_EXCLUSIVE_TAKES].name = "odp_exclusive_takes",
+	[RXE_CNT_ODP_FAULTED_PAGES].name = "odp_page_faulted_pages",
+	[RXE_CNT_ODP_AROUND_PAGES].name = "odp_page_around_pages",
+	[RXE_CNT_ODP_PREFETCHED_PAGES].name = "odp_page_prefetched",
+	[RXE_CNT_ODP_INVALIDATIONS].name = "odp_page_invalidations",
+	[RXE_CNT_ODP_INVALIDATED_PAGES].name = "odp_page_invalidated_pages",
+	[RXE_CNT_ODP_COLLISIONS].name = "odp_page_collisions",
+	[RXE_CNT_ODP_FAILED_FAULTS].name = "odp_page_failed_faults",
+	[RXE_CNT_ODP_PINNED_FALLBACKS].name = "odp_page_pinned_fallbacks",
+	[RXE_CNT_ODP_RESIDENT_PAGES].name = "odp_resident_pages",
+	[RXE_CNT_ODP_TABLE_BYTES].name = "odp_table_bytes",
  };
