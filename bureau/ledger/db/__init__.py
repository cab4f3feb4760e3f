"""The database itself: the engine, the tables, the migrations, and the SQL helpers that all other rooms use."""
