-- Where each log ends. An event has the number `log * 2^40 + seq`: one integer, in the order of its log, under which
-- everything of it is kept. Whoever adds to a log holds its row.
CREATE TABLE ee_audit_heads (
    partition TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    log       BIGINT NOT NULL UNIQUE,
    size      BIGINT NOT NULL,
    chain     BYTEA  NOT NULL,
    frontier  BYTEA  NOT NULL
) WITH (fillfactor = 50);

-- What each event has got in its log. It stays when the event goes.
CREATE TABLE ee_audit_links (
    number BIGINT NOT NULL PRIMARY KEY,
    id     BYTEA  NOT NULL UNIQUE,
    leaf   BYTEA  NOT NULL,
    chain  BYTEA  NOT NULL
);

-- What is kept of events, as it was given. Apart from what is searched: whoever looks at many events reads a third.
-- Both are kept in months, by the time in the id (RFC 9562 §5.7), so that a month can be dropped.
CREATE TABLE ee_audit_bodies (
    number      BIGINT NOT NULL,
    id          BYTEA  NOT NULL,
    received_at BIGINT NOT NULL,
    canonical   TEXT   COLLATE "C" NOT NULL,
    personal    TEXT   COLLATE "C",
    PRIMARY KEY (number, id)
) PARTITION BY RANGE (id);

-- What is searched.
CREATE TABLE ee_audit_events (
    number        BIGINT NOT NULL,
    id            BYTEA  NOT NULL,
    ts            BIGINT NOT NULL,
    action        TEXT   COLLATE "C" NOT NULL,
    actor_id      TEXT   COLLATE "C" NOT NULL,
    actor_kind    TEXT   COLLATE "C",
    actor_type    TEXT   COLLATE "C" NOT NULL,
    address       BYTEA,
    agent_id      TEXT   COLLATE "C",
    category      TEXT   COLLATE "C" NOT NULL,
    duration      BIGINT,
    email         TEXT   COLLATE "C",
    ip            TEXT   COLLATE "C",
    model         TEXT   COLLATE "C",
    organization  TEXT   COLLATE "C",
    outcome       TEXT   COLLATE "C" NOT NULL,
    request_id    TEXT   COLLATE "C",
    resource_id   TEXT   COLLATE "C",
    resource_type TEXT   COLLATE "C",
    roles         TEXT   COLLATE "C",
    run_id        TEXT   COLLATE "C",
    session_id    TEXT   COLLATE "C",
    stage         TEXT   COLLATE "C" NOT NULL,
    thread_id     TEXT   COLLATE "C",
    trace_id      TEXT   COLLATE "C",
    PRIMARY KEY (number, id)
) PARTITION BY RANGE (id);

CREATE TABLE ee_audit_bodies_others PARTITION OF ee_audit_bodies DEFAULT;
CREATE TABLE ee_audit_events_others PARTITION OF ee_audit_events DEFAULT;

-- Texts of others come into an index with their beginnings alone: an index cannot hold long ones.
CREATE INDEX ee_audit_by_time ON ee_audit_events (ts, id);
CREATE INDEX ee_audit_by_action ON ee_audit_events (action, ts, id);
CREATE INDEX ee_audit_by_actor ON ee_audit_events (substr(actor_id, 1, 200), ts, id);
CREATE INDEX ee_audit_by_resource ON ee_audit_events (substr(resource_id, 1, 200), ts, id) WHERE resource_id IS NOT NULL;
CREATE INDEX ee_audit_by_outcome ON ee_audit_events (outcome, ts, id) WHERE outcome <> 'success';
CREATE INDEX ee_audit_by_request ON ee_audit_events (substr(request_id, 1, 200), ts, id) WHERE request_id IS NOT NULL;
CREATE INDEX ee_audit_by_run ON ee_audit_events (substr(run_id, 1, 200), ts, id) WHERE run_id IS NOT NULL;
CREATE INDEX ee_audit_by_session ON ee_audit_events (substr(session_id, 1, 200), ts, id) WHERE session_id IS NOT NULL;
CREATE INDEX ee_audit_by_thread ON ee_audit_events (substr(thread_id, 1, 200), ts, id) WHERE thread_id IS NOT NULL;

-- Every action that there has been: what begins or ends alike is found here first.
CREATE TABLE ee_audit_actions (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

-- Roots of full subtrees.
CREATE TABLE ee_audit_nodes (
    log   BIGINT NOT NULL,
    level BIGINT NOT NULL,
    idx   BIGINT NOT NULL,
    hash  BYTEA  NOT NULL,
    PRIMARY KEY (log, level, idx)
);

CREATE TABLE ee_audit_checkpoints (
    partition  TEXT   COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    note       TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, size, created_at)
);

CREATE TABLE ee_audit_holds (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    filter     TEXT   COLLATE "C" NOT NULL,
    reason     TEXT   COLLATE "C" NOT NULL,
    owner      TEXT   COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- Events that changes have left in their own transactions and that are in no log yet.
CREATE TABLE ee_audit_left (
    id        BYTEA NOT NULL PRIMARY KEY,
    canonical TEXT  COLLATE "C" NOT NULL,
    personal  TEXT  COLLATE "C"
);

-- What follows can be made again from the events.

-- Up to which number the events of a log are in the two tables below.
CREATE TABLE ee_audit_indexed (
    log    BIGINT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);

-- How many events of an hour have a value in a field.
CREATE TABLE ee_audit_tallies (
    field   TEXT   COLLATE "C" NOT NULL,
    hour    BIGINT NOT NULL,
    stage   TEXT   COLLATE "C" NOT NULL,
    outcome TEXT   COLLATE "C" NOT NULL,
    value   TEXT   COLLATE "C" NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (field, hour, stage, outcome, value)
);

-- The words of events by their numbers.
CREATE TABLE ee_audit_words (
    number BIGINT   NOT NULL PRIMARY KEY,
    words  TSVECTOR NOT NULL
);

CREATE INDEX ee_audit_by_word ON ee_audit_words USING gin (words);

-- The record is only added to. A retention says that it is at work by a row of `ee_revisions`, which nobody sees outside
-- of its transaction.
CREATE FUNCTION ee_audit_refuse() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'TRUNCATE' AND TG_NARGS > 0
        AND EXISTS (SELECT 1 FROM ee_revisions WHERE name = 'audit retention') THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit record is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ee_audit_links FOR EACH ROW EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ee_audit_nodes FOR EACH ROW EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ee_audit_checkpoints FOR EACH ROW EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ee_audit_bodies FOR EACH ROW EXECUTE FUNCTION ee_audit_refuse('retention');
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON ee_audit_events FOR EACH ROW EXECUTE FUNCTION ee_audit_refuse('retention');
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ee_audit_links EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ee_audit_nodes EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ee_audit_checkpoints EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ee_audit_bodies EXECUTE FUNCTION ee_audit_refuse();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON ee_audit_events EXECUTE FUNCTION ee_audit_refuse();

-- Makes room for so many months from the one of a moment on, and tells how many tables are new. A month of which there
-- are events already stays among the others. Runs with the rights of the owner: the server needs none to make tables.
CREATE FUNCTION ee_audit_make_months(first BIGINT, months INTEGER) RETURNS BIGINT
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    start  TIMESTAMP := date_trunc('month', to_timestamp(first / 1000000.0) AT TIME ZONE 'UTC');
    month  TIMESTAMP;
    made   BIGINT := 0;
    name   TEXT;
    parent TEXT;
    bounds BYTEA[];
BEGIN
    FOR at IN 0 .. least(months, 24) - 1 LOOP
        month := start + make_interval(months => at);
        -- The first six bytes of the id are the milliseconds.
        bounds := ARRAY(
            SELECT substr(int8send((extract(epoch FROM edge) * 1000)::BIGINT), 3)
            FROM (VALUES (month), (month + make_interval(months => 1))) AS edges (edge)
        );
        -- In the order in which events are added: nobody waits in a circle.
        FOREACH parent IN ARRAY ARRAY['ee_audit_events', 'ee_audit_bodies'] LOOP
            name := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            BEGIN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    name, parent, bounds[1], bounds[2]
                );
                made := made + 1;
            EXCEPTION WHEN check_violation OR duplicate_table THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION ee_audit_make_months FROM PUBLIC;

-- Drops months before the one of a moment that a retention has emptied, and tells how many tables are gone.
CREATE FUNCTION ee_audit_drop_months(before BIGINT) RETURNS BIGINT
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    dropped BIGINT := 0;
    first   TEXT := to_char(to_timestamp(before / 1000000.0) AT TIME ZONE 'UTC', '_YYYY_MM');
    is_used BOOLEAN;
    name    TEXT;
    parent  TEXT;
BEGIN
    FOREACH parent IN ARRAY ARRAY['ee_audit_events', 'ee_audit_bodies'] LOOP
        FOR name IN
            SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = parent::REGCLASS
            AND relname ~ '_\d{4}_\d{2}$' AND right(relname, 8) COLLATE "C" < first
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO is_used;
            CONTINUE WHEN is_used;
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO is_used;
            CONTINUE WHEN is_used;
            EXECUTE format('DROP TABLE %I', name);
            dropped := dropped + 1;
        END LOOP;
    END LOOP;
    RETURN dropped;
END
$$;
REVOKE EXECUTE ON FUNCTION ee_audit_drop_months FROM PUBLIC;
