"""PLACEHOLDER papers."""

if __name__ != "scalewright.papers":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.papers")
