"""The outbox: events written in the transaction of what they tell, published afterwards by a relay."""
