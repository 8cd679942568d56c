"""The forms of data: how the files and values of each become inputs and targets, and the encoder of each.

What several readers need stands here; the readers themselves (`bakeoff.data.readers`) only choose.
"""
