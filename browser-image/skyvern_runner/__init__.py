"""The step runner: carries out one browser task with a language model and reports its verdict."""
