"""PLACEHOLDER theory."""

if __name__ != "scalewright.theory":
    raise ImportError("this folder is a room of the scalewright package: import it as scalewright.theory")
