-- The read models, in generations: a rebuild fills the next one while the live one is written and read.

-- One row: the generation that is read and written. Logs that a rebuild has replaced are skipped by the writer.
CREATE TABLE live (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    generation integer NOT NULL,
    retired_logs uuid[] NOT NULL DEFAULT '{}'
);
INSERT INTO live (generation) VALUES (1);

-- The last applied position of each partition, moved in the transaction of its effect. The rows of a generation exist
-- from its beginning (log null: nothing applied yet), so that there is always a row to lock.
CREATE TABLE positions (
    generation integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    log uuid,
    position bigint NOT NULL DEFAULT 0,
    event_time timestamptz,
    PRIMARY KEY (generation, topic, partition)
);
INSERT INTO positions (generation, topic, partition) SELECT 1, 'campaign-events', generate_series(0, 11);

-- A campaign as the list shows it. A deleted one leaves a tombstone with its last position.
CREATE TABLE campaigns (
    generation integer NOT NULL,
    id uuid NOT NULL,
    workspace uuid NOT NULL,
    position bigint NOT NULL,
    deleted boolean NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    paused_reason text,
    agent_id text,
    settings_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    reached integer NOT NULL,
    retries jsonb NOT NULL,
    max_attempts integer NOT NULL,
    max_simultaneous_calls integer NOT NULL,
    calls_per_second integer NOT NULL,
    calls_per_day integer,
    time_zone text NOT NULL,
    start_date date,
    end_date date,
    contacts_total integer NOT NULL,
    contacts_pending integer NOT NULL,
    contacts_in_progress integer NOT NULL,
    contacts_completed integer NOT NULL,
    contacts_failed integer NOT NULL,
    contacts_no_answer integer NOT NULL,
    contacts_voicemail integer NOT NULL,
    contacts_do_not_call integer NOT NULL,
    contacts_rescheduled integer NOT NULL,
    calls_placed integer NOT NULL,
    calls_answered integer NOT NULL,
    calls_completed integer NOT NULL,
    calls_failed integer NOT NULL,
    calls_no_answer integer NOT NULL,
    calls_voicemail integer NOT NULL,
    calls_do_not_call integer NOT NULL,
    calls_rescheduled integer NOT NULL,
    calls_reached integer NOT NULL,
    calls_talk_milliseconds bigint NOT NULL,
    calls_talk_calls integer NOT NULL,
    PRIMARY KEY (generation, id),
    CHECK (contacts_total = contacts_pending + contacts_in_progress + contacts_completed + contacts_failed
                          + contacts_no_answer + contacts_voicemail + contacts_do_not_call + contacts_rescheduled)
) WITH (fillfactor = 50); -- counters change all the time: room for HOT updates, which leave the indexes alone
CREATE INDEX campaigns_by_creation ON campaigns (generation, workspace, created_at, id) WHERE NOT deleted;
CREATE INDEX campaigns_by_name ON campaigns (generation, workspace, lower(name), id) WHERE NOT deleted;
CREATE INDEX campaigns_by_status ON campaigns (generation, workspace, status, id) WHERE NOT deleted;

-- Search within names and descriptions (ILIKE '%…%').
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX campaigns_by_words ON campaigns USING gin (name gin_trgm_ops, description gin_trgm_ops) WHERE NOT deleted;

-- The figures of the calls that started on this day of the campaign's zone.
CREATE TABLE campaign_days (
    generation integer NOT NULL,
    campaign_id uuid NOT NULL,
    day date NOT NULL,
    placed integer NOT NULL,
    answered integer NOT NULL,
    completed integer NOT NULL,
    failed integer NOT NULL,
    no_answer integer NOT NULL,
    voicemail integer NOT NULL,
    do_not_call integer NOT NULL,
    rescheduled integer NOT NULL,
    reached integer NOT NULL,
    talk_milliseconds bigint NOT NULL,
    talk_calls integer NOT NULL,
    PRIMARY KEY (generation, campaign_id, day)
) WITH (fillfactor = 50);

-- Whole settings, written only when they change. `json`, for it keeps every character that a fact can hold.
CREATE TABLE campaign_settings (
    generation integer NOT NULL,
    campaign_id uuid NOT NULL,
    settings json NOT NULL,
    PRIMARY KEY (generation, campaign_id)
);
