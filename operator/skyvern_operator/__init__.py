"""The operator: reconciles SkyvernTask objects. One task, one pod, one verdict."""
