"""One command, confined and watched over: what builds and the process engine have in common.

``plan`` says how a command is wrapped, ``guardian`` watches over it while it runs, ``launch``
starts and follows a guardian, ``command`` runs one command of a build to its end.
"""
