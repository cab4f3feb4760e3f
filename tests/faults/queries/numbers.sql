-- title = "Numbers"
-- source = "numbers"
--
-- [parameters.count]
-- type = "integer"
-- default = 100
-- minimum = 1

select n, md5(n::text) as hash from generate_series(1, :count) n, pg_sleep(0.4)
