"""Pictures in a folder of this disk, with a sidecar or with credits inside the files."""
