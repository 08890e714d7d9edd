-- Least-privilege roles: run it as the owner of the tables, after every `polelens migrate`.
-- Nobody logs in as one of these: GRANT polelens_worker TO a login of its own, and put that into DATABASE_URL.
--
--   polelens_worker    workers and beat: answers; adds no model and no photograph, and changes none
--   polelens_producer  the command line: models, photographs, audits; writes no answer
--   polelens_reader    reports and data systems: the views and the tables, nothing written
--
-- None of them makes or changes a table: `polelens migrate` is the owner's.
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['polelens_worker', 'polelens_producer', 'polelens_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = one) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', one);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', one);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', one);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA public TO %I', one);
    END LOOP;
END $$;

GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO polelens_worker, polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM polelens_worker, polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON model, image FROM polelens_worker;
GRANT UPDATE (rate) ON model TO polelens_worker; -- how fast it is, by which parts are sized
REVOKE INSERT, UPDATE, DELETE ON attribution, part, change FROM polelens_producer;
