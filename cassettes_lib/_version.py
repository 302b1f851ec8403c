"""The version, apart so that the build reads it without importing the library."""

__version__ = "0.1.0"
