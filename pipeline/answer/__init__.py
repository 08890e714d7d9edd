"""What is answered: attributions and judgements, values only."""
