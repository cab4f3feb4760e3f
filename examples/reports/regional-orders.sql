-- name = "regional-orders"
-- title = "Orders by region"
-- description = "Orders of some regions in a period, newest first."
-- source = "warehouse"
-- time_zone = "Europe/Paris"
--
-- [columns.ordered_on]
-- label = "Ordered on"
-- format = "DD/MM/YYYY"
--
-- [columns.total]
-- label = "Total (€)"
-- format = "0.00"
--
-- [parameters.since]
-- type = "date"
-- label = "From"
-- default = "first day of last month"
-- minimum = 2020-01-01
--
-- [parameters.regions]
-- type = "list"
-- description = "Without it, all of them."
-- choices = ["north", "east", "south", "west"]
-- minimum = 1
--
-- [parameters.sku]
-- type = "text"
-- description = "Two letters, a dash and four digits."
-- pattern = "[A-Z]{2}-[0-9]{4}"

select id, ordered_at::date as ordered_on, region, sku, quantity, total
from orders
where ordered_at >= :since
  -- A list is bound as one array on PostgreSQL.
  and (:regions is null or region = any(:regions))
  and (:sku is null or sku = :sku)
order by ordered_at desc, id
