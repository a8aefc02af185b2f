"""The dataset on disk: its columns and shards, the words beside it, and what differs from an older one."""
