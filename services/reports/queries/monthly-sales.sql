-- title = "Monthly sales"
-- description = "Every order line with its month, customer, product and revenue."
-- source = "demo"
--
-- [parameters.since]
-- type = "date"
-- description = "The first day."
-- default = 2024-01-01
--
-- [parameters.until]
-- type = "date"
-- description = "The last day; without it, up to the newest order."
--
-- [parameters.region]
-- type = "enum"
-- description = "Only customers of this region."
-- choices = ["north", "east", "south", "west"]

select
  substr(o.ordered_on, 1, 7) as month,
  o.ordered_on,
  o.id as order_id,
  c.region,
  c.name as customer,
  p.name as product,
  o.quantity,
  o.unit_cents / 100.0 as unit_price,
  o.quantity * o.unit_cents / 100.0 as revenue,
  o.status
from orders o
join customers c on c.id = o.customer_id
join products p on p.id = o.product_id
where o.ordered_on >= :since
  and (:until is null or o.ordered_on <= :until)
  and (:region is null or c.region = :region)
order by o.ordered_on, o.id
