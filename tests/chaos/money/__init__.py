"""Usage under faults: every event counted, booked, delivered and invoiced once, whatever dies on the way.

python -m tests.chaos.money [--events 100000] [--database postgres] [--seed N]
"""
