"""Readers, one module a format; each opens a file's content and gives `Rows` of text.

A reader is a function of the content (`content.py`) and the feed; it reads no more than the
beginning until its pieces are asked for, and keeps no more than a piece in memory.
"""
