"""Shapes of acts: what a split, a burst or a late bar looks like as purchases.

Misuse and its innocent look-alikes share these shapes; what differs is who acts, why, and what
the claim says. Every shape takes the world, a random generator, the employee of each act and a
number in [0, 1) that says how early or late in that person's time the act happens, and returns
the bills. Figures are ours: no source gives shapes.
"""
