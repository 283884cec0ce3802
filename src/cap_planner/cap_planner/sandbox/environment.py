"""What the zygote is started with, and nothing else: each is read once, when it starts."""

ENVIRONMENT = {
    'PYTHONHASHSEED': '0',
    # numpy's BLAS threads hang after a fork under seccomp.
    'OPENBLAS_NUM_THREADS': '1',
    'OMP_NUM_THREADS': '1',
    'MKL_NUM_THREADS': '1',
    'LC_ALL': 'C.UTF-8',
}
