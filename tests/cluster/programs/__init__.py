"""Programs that are built from source: Kubernetes, Helm, kwok."""
