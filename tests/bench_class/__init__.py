"""Measures a whole class: throughput beside other graders, regrading, resumption, memory, reports and a cluster."""
