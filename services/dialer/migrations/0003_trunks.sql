-- What a workspace has set: its trunks with their ceilings, and the trunk of each of its numbers. A fold of facts.
CREATE TABLE trunks (
    workspace uuid NOT NULL,
    id text NOT NULL,
    max_calls integer,
    calls_per_second integer,
    PRIMARY KEY (workspace, id)
);
CREATE TABLE phone_numbers (
    workspace uuid NOT NULL,
    number text NOT NULL,
    trunk text NOT NULL,
    PRIMARY KEY (workspace, number)
);

-- Campaigns that were given less room on a trunk than they asked for, since when, and until when that is believed.
CREATE TABLE trunk_waits (
    workspace uuid NOT NULL,
    trunk text NOT NULL,
    campaign_id uuid NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (workspace, trunk, campaign_id)
);

-- A trunk without a row has never had its breaker opened.
CREATE TABLE breakers (
    workspace uuid NOT NULL,
    trunk text NOT NULL,
    state text NOT NULL CHECK (state IN ('closed', 'open', 'probing')),
    changed_at timestamptz NOT NULL,
    -- of the last opening: the rule, its figures and the carrier's words, without numbers
    cause text,
    opened_at timestamptz,
    calls integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    reasons jsonb NOT NULL DEFAULT '[]',
    pause_seconds double precision NOT NULL DEFAULT 0,
    probe_at timestamptz,
    probe_call_id uuid,
    closed_by text,
    PRIMARY KEY (workspace, trunk)
);
CREATE INDEX breakers_not_closed ON breakers (workspace, trunk) WHERE state <> 'closed';

-- `trunk`: null until the call has been given room on it. `holds_place_until`: on a trunk with a ceiling a second, until
-- when the call counts there; it is shortened once the carrier's API has answered.
ALTER TABLE calls ADD COLUMN trunk text, ADD COLUMN holds_place_until timestamptz;
CREATE INDEX calls_open_of_trunk ON calls (workspace, trunk) WHERE state <> 'settled' AND trunk IS NOT NULL;
CREATE INDEX calls_with_place ON calls (workspace, trunk, holds_place_until) WHERE holds_place_until IS NOT NULL;
CREATE INDEX calls_of_trunk ON calls (workspace, trunk, created_at) WHERE trunk IS NOT NULL;
-- What may open a breaker; the words are those of the placer.
CREATE INDEX calls_faulty ON calls (created_at)
    WHERE outcome IN ('carrier_error', 'configuration', 'invalid_number') OR raw_reason LIKE 'carrier API: %';
