"""Several hosts on one ledger, made of network namespaces of one machine: nginx, services, PostgreSQL."""
