"""The engine for containers: `engine` is what others see of it, `keeper` the process behind it.

The keeper is one long-lived process per installation. It outlives notebooks and servers, holds the
connection to the container engine, takes what the containers print, and has containers ready ahead.
"""
