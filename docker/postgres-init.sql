-- The application's role: neither superuser nor exempt from row-level security, or the tenant wall would not bind it.
-- The password of this sample is for a closed network of one machine; choose another.
CREATE ROLE assay LOGIN PASSWORD 'assay';
CREATE DATABASE assay OWNER assay;
