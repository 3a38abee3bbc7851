"""The wire between plugin and sidecar: its messages, methods and limits."""
