"""PLACEHOLDER nets."""

if __name__ != "scalewright.nets":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.nets")
