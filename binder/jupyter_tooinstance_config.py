"""Settings for Binder: one user without privileges, little memory, and nothing that stays."""

c = get_config()  # noqa: F821 (traitlets defines it)

# there is no Docker, so nothing has to look for it
c.TooInstance.engine = "process"

# a session has 2 GiB, with the server and the kernels
c.TooInstance.run_memory_bytes = 2**30
c.TooInstance.build_memory_bytes = 3 * 2**29
c.TooInstance.concurrent_runs = 2

# the disk is that of a machine that many sessions share, which the others may have filled
c.TooInstance.min_free_disk_percent = 0.0
c.TooInstance.build_disk_bytes = 2 * 2**30
c.TooInstance.run_output_bytes = 2**28
