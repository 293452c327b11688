-- Roles and databases of MedTOWN, for psql as a superuser; written by `make manifests`.
-- Can be run again at any time: what is there stays.
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;

SELECT 'CREATE ROLE ledger_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_owner') \gexec
SELECT 'CREATE ROLE ledger LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger') \gexec
SELECT 'CREATE ROLE ledger_jobs LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_jobs') \gexec
SELECT 'CREATE ROLE ledger_writer LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') \gexec
SELECT 'CREATE ROLE verify_ledger LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'verify_ledger') \gexec
SELECT 'CREATE DATABASE ledger OWNER ledger_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ledger') \gexec
REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO ledger, ledger_jobs, ledger_writer, verify_ledger;

SELECT 'CREATE ROLE identity_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'identity_owner') \gexec
SELECT 'CREATE ROLE identity LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'identity') \gexec
SELECT 'CREATE ROLE identity_jobs LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'identity_jobs') \gexec
SELECT 'CREATE DATABASE identity OWNER identity_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'identity') \gexec
REVOKE ALL ON DATABASE identity FROM PUBLIC;
GRANT CONNECT ON DATABASE identity TO identity, identity_jobs;

SELECT 'CREATE ROLE cop_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cop_owner') \gexec
SELECT 'CREATE ROLE cop LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cop') \gexec
SELECT 'CREATE ROLE cop_jobs LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cop_jobs') \gexec
SELECT 'CREATE DATABASE cop OWNER cop_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'cop') \gexec
REVOKE ALL ON DATABASE cop FROM PUBLIC;
GRANT CONNECT ON DATABASE cop TO cop, cop_jobs;

SELECT 'CREATE ROLE dashboard_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard_owner') \gexec
SELECT 'CREATE ROLE dashboard LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard') \gexec
SELECT 'CREATE ROLE dashboard_jobs LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard_jobs') \gexec
SELECT 'CREATE ROLE rebuild_dashboard LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rebuild_dashboard') \gexec
SELECT 'CREATE DATABASE dashboard OWNER dashboard_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'dashboard') \gexec
REVOKE ALL ON DATABASE dashboard FROM PUBLIC;
GRANT CONNECT ON DATABASE dashboard TO dashboard, dashboard_jobs, rebuild_dashboard;

SELECT 'CREATE ROLE toolbox_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolbox_owner') \gexec
SELECT 'CREATE ROLE toolbox LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolbox') \gexec
SELECT 'CREATE ROLE toolbox_jobs LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolbox_jobs') \gexec
SELECT 'CREATE DATABASE toolbox OWNER toolbox_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'toolbox') \gexec
REVOKE ALL ON DATABASE toolbox FROM PUBLIC;
GRANT CONNECT ON DATABASE toolbox TO toolbox, toolbox_jobs;
