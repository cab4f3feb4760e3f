-- title = "Orders"
-- source = "orders"
--
-- [parameters.least_amount]
-- type = "number"
-- default = 0
-- minimum = 0

select id, customer, quantity, amount from orders where amount >= :least_amount order by id
