-- Least-privilege roles: `polelens migrate --roles` runs it, or the owner of the tables does, after every migration.
-- Nobody logs in as one of these: GRANT polelens_worker TO a login of its own, and put that into DATABASE_URL.
--
--   polelens_worker    workers of prepare, infer and reduce: answers, and nothing else
--   polelens_control   the worker of control, and any that serves it: also starts audits, compares them, and removes them
--   polelens_producer  the command line: models, photographs, audits; writes no answer
--   polelens_reader    reports and data systems: the views and the tables, nothing written
--   polelens_marker    the pages: reads as the reader does, and writes what people say of explanations
--   polelens_operator  the pages and the endpoint where people and programs start audits: the marker's, and models,
--                      photographs and audits are added; removes none of them and writes no answer
--
-- None of them makes or changes a table: `polelens migrate` is the owner's. Nor does any change or remove what the trail
-- says was removed.
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['polelens_worker', 'polelens_control', 'polelens_producer', 'polelens_reader',
                              'polelens_marker', 'polelens_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = one) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', one);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', one);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', one);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA public TO %I', one);
    END LOOP;
END $$;

GRANT UPDATE ON explanation, audit TO polelens_worker; -- of an audit its state: it ends, or it is paused
GRANT INSERT, UPDATE, DELETE ON part TO polelens_worker;
GRANT INSERT, UPDATE ON attribution, tally, pace TO polelens_worker;
GRANT INSERT, UPDATE, DELETE ON placement TO polelens_worker;
GRANT INSERT ON notice TO polelens_worker;
GRANT DELETE ON audit_explanation TO polelens_worker; -- of an answer that another mask's has taken the place of
GRANT UPDATE (rate) ON model TO polelens_worker; -- how fast it is, by which parts are sized

GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO polelens_control, polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM polelens_control, polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON model, image FROM polelens_control;
GRANT UPDATE (rate) ON model TO polelens_control;
REVOKE INSERT, UPDATE, DELETE ON attribution, part, change, audit_figures FROM polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON mark FROM polelens_control, polelens_producer;
REVOKE INSERT, UPDATE, DELETE ON token FROM polelens_control; -- who works lets nobody in
REVOKE UPDATE ON token FROM polelens_producer;
GRANT INSERT, UPDATE, DELETE ON mark TO polelens_marker, polelens_operator;
GRANT INSERT ON trail TO polelens_marker, polelens_operator; -- who did what
GRANT INSERT, UPDATE ON audit, explanation, image, comparison, job TO polelens_operator;
GRANT INSERT ON audit_explanation, image_name, model, notice, recipe TO polelens_operator;
GRANT INSERT, UPDATE ON pace TO polelens_operator; -- a plan measures how fast a model is
GRANT UPDATE ON policy TO polelens_operator; -- that it has answered a new model
GRANT DELETE ON change TO polelens_operator; -- of a comparison that is made anew
GRANT UPDATE (comment, tags) ON mark TO polelens_producer; -- the name of a photograph that is removed is said no more
REVOKE UPDATE, DELETE ON trail FROM polelens_control, polelens_producer;
