"""The rules of layer-wise relevance propagation: what a node hands to its inputs of the relevance that it received."""
