"""Is a shop: each order gets a receipt, made by a task."""
