import os

# Before numpy is first imported: the matrices of one query are so small that a second thread of its linear algebra
# only spins (twice the CPU time for the same result).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
