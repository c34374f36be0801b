"""The vendors' APIs, served on loopback and filled with the fictional company.

Each vendor is a package of its own: how it holds the company, and how it speaks. What they share
is a clock that a test moves (`clock`), faults that strike on order (`faults`), the doors by which
a script orders both (`simulator`), and a server (`serve`).
"""
