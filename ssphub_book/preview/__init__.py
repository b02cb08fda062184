"""The live preview: a change of a source file shows in the browser by itself.

`loop` watches, checks, has stale chapters executed and the pages rendered; Sphinx never executes
anything there, for it reads a mirror of the book that holds each chapter as it last ran to its end.
"""
