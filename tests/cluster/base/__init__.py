"""What every part of the cluster's set-up uses: programs, processes, the cache, progress, errors."""
