"""The indicators: what they mean, how they are worked out, and the answers about them."""
