-- title = "Top customers"
-- description = "The customers with the highest revenue."
-- source = "demo"
--
-- [parameters.limit]
-- type = "integer"
-- description = "How many customers."
-- default = 100
-- minimum = 1
-- maximum = 4000
--
-- [parameters.least_revenue]
-- type = "number"
-- description = "Only customers with at least this revenue."
-- default = 0
-- minimum = 0
--
-- [parameters.statuses]
-- type = "list"
-- description = "Which orders count."
-- default = ["paid"]
-- choices = ["paid", "open", "refunded"]
-- minimum = 1

select
  c.id as customer_id,
  c.name as customer,
  c.country,
  count(*) as orders,
  sum(o.quantity * o.unit_cents) / 100.0 as revenue
from orders o
join customers c on c.id = o.customer_id
-- A list is bound as one JSON array on SQLite.
where o.status in (select value from json_each(:statuses))
group by c.id
having sum(o.quantity * o.unit_cents) / 100.0 >= :least_revenue
order by revenue desc, c.id
limit :limit
