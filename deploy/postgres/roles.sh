#!/bin/sh
# Run once, when the database is made: the role that owns the ledger, and the one of the workers, who own nothing.
# What the workers may do is granted after each migration: bureau/ledger/grants.py.
psql -v ON_ERROR_STOP=1 -q -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\set owner_password `cat /run/secrets/bureau`
\set worker_password `cat /run/secrets/bureau_worker`
CREATE ROLE bureau LOGIN PASSWORD :'owner_password';
CREATE ROLE bureau_worker LOGIN PASSWORD :'worker_password';
CREATE DATABASE bureau OWNER bureau ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE bureau FROM PUBLIC;
GRANT CONNECT ON DATABASE bureau TO bureau_worker;
SQL
