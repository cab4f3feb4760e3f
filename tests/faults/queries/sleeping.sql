-- title = "A report that takes its time"
-- source = "numbers"

select n, pg_sleep(60)::text as slept from generate_series(1, 3) n
