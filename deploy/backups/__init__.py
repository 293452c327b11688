"""Backups: all that an installation holds, as it was at one moment, in a folder or a tar file."""
