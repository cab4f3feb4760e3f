#!/bin/sh
# Run when the database is made, and by hand after a password changed (docs/operations.md): the role that owns the
# ledger, and the one of the workers, who own nothing. What the workers may do is granted after each migration:
# bureau/ledger/db/worker_role/grants.py.
psql -v ON_ERROR_STOP=1 -q -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\set owner_password `cat /run/secrets/bureau`
\set worker_password `cat /run/secrets/bureau_worker`
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['bureau', 'bureau_worker']) name
  WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE bureau PASSWORD :'owner_password';
ALTER ROLE bureau_worker PASSWORD :'worker_password';
SELECT $$CREATE DATABASE bureau OWNER bureau ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0$$
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'bureau') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE bureau FROM PUBLIC;
GRANT CONNECT ON DATABASE bureau TO bureau_worker;
SQL
