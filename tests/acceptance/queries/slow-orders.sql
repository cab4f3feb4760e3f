-- title = "Orders, an hour late"
-- source = "orders"

select id, pg_sleep(3600) from orders limit 1
