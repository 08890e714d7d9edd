"""The endpoint: programs ask a model for predictions and explanations, by KServe's paths with Vertex's field names.

What the ledger knows is answered at once; what it does not is asked by the workers of the -now queues. This process
never opens a model.
"""
