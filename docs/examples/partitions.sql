-- Keeps events, their bodies and attempts in a partition for each month, so that a month is deleted by dropping tables.
--
--   psql "$DATABASE_URL" --file partitions.sql
--
-- The first run turns the three tables into partitioned ones; what they hold stays in the partition `..._before`. Do that in
-- a quiet hour: it locks the tables while an index of the events is built. Run it again each month, by cron: it makes the
-- partitions of the three months that follow, and leaves the rest alone.
--
-- Ids are UUIDs of version 7: they begin with their time, so they are what the tables are divided by.

-- The least id of a month, which no id equals.
CREATE OR REPLACE FUNCTION httpsms_first_id(month date) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT substr(digits, 1, 8) || '-' || substr(digits, 9, 4)
    FROM (SELECT lpad(to_hex((extract(epoch FROM month::timestamp) * 1000)::bigint), 12, '0') AS digits) AS hexadecimal
$$;

CREATE OR REPLACE PROCEDURE httpsms_divide(name text, key text, primary_key text) LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', now() AT TIME ZONE 'UTC');
    part text;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = name::regclass) = 'r' THEN
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_before');
        EXECUTE format('CREATE TABLE %I (LIKE %I, PRIMARY KEY (%s)) PARTITION BY RANGE (%I)',
            name, name || '_before', primary_key, key);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
            name, name || '_before', httpsms_first_id((month + interval '1 month')::date));
    END IF;
    FOR number IN 1..3 LOOP
        month := month + interval '1 month';
        part := name || to_char(month, '_YYYY_MM');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, name,
                httpsms_first_id(month), httpsms_first_id((month + interval '1 month')::date));
        END IF;
    END LOOP;
END
$$;

BEGIN;
CALL httpsms_divide('attempt', 'delivery_id', 'delivery_id, number');
CALL httpsms_divide('event_body', 'event_id', 'event_id');
CALL httpsms_divide('event', 'id', 'id');
-- Positions are drawn under one lock; an index of all partitions cannot say that they differ.
CREATE INDEX IF NOT EXISTS event_all_position ON event (position);
CREATE INDEX IF NOT EXISTS event_all_user ON event (user_id, position);
CREATE INDEX IF NOT EXISTS event_all_fresh ON event (created_at, id) WHERE COALESCE(position, 0) = 0;
CREATE INDEX IF NOT EXISTS event_all_time ON event (user_id, created_at, position);
COMMIT;
