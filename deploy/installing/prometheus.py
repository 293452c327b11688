"""prometheus.yml: every process is asked under its own name."""

from deploy.installing.processes import running

HEAD = """\
# Written by `make manifests` from the list of processes (deploy/installing/prometheus.py).
global:
  scrape_interval: 15s
  evaluation_interval: 15s

rule_files: [alerts.yml]

scrape_configs:
  # A replica more is found by itself: the name stands for all of them.
  - job_name: medtown
    dns_sd_configs:
      - names:
"""

TAIL = """\
        type: A
        port: 9100
        refresh_interval: 15s
    relabel_configs:
      - source_labels: [__meta_dns_name]
        target_label: process

  - job_name: rabbitmq
    metrics_path: /metrics/per-object
    static_configs:
      - targets: [rabbitmq:15692]
"""


def configuration() -> str:
    """The whole file."""
    return HEAD + "".join(f"          - {name}\n" for name in running()) + TAIL
