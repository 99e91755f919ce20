-- What this service has to know of a workspace: whether all its calling is paused, and how long numbers are kept.
CREATE TABLE workspaces (
    workspace uuid PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    retention_days integer NOT NULL DEFAULT 1826
);

-- The keyed hash of the number, by which a person can be forgotten, also when the campaign is gone.
ALTER TABLE calls ADD COLUMN number_hash text, ADD COLUMN forgotten_at timestamptz;
CREATE INDEX calls_of_person ON calls (workspace, number_hash) WHERE number_hash IS NOT NULL;
CREATE INDEX calls_forgotten ON calls (forgotten_at) WHERE forgotten_at IS NOT NULL;
CREATE INDEX calls_to_forget ON calls (workspace, created_at) WHERE number IS NOT NULL;

-- Deleted campaigns whose calls have to lose their words; the number stays for the retention.
CREATE TABLE wordless_campaigns (
    campaign_id uuid PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    swept boolean NOT NULL DEFAULT false
);
