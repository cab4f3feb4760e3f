-- title = "Customers"
-- description = "The address book, by country and by when they joined."
-- source = "demo"
--
-- [parameters.country]
-- type = "text"
-- description = "Two letters, such as DE."
-- pattern = "[A-Z]{2}"
--
-- [parameters.joined_before]
-- type = "datetime"
-- description = "Only who joined before this time."
--
-- [parameters.newsletter]
-- type = "boolean"
-- description = "Only who takes the newsletter, or who does not."

select id as customer_id, name, email, country, region, joined_at
from customers
where (:country is null or country = :country)
  and (:joined_before is null or joined_at < :joined_before)
  and (:newsletter is null or newsletter = :newsletter)
order by id
