"""The retail calls, with the names, arguments and meaning of the public tau2-bench retail domain."""
