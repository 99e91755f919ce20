-- Calls that a person answered and in which nobody on our side was there. What was folded before had none: a carrier
-- could not say so yet.
ALTER TABLE campaigns ADD COLUMN calls_abandoned integer NOT NULL DEFAULT 0;
ALTER TABLE campaign_days ADD COLUMN abandoned integer NOT NULL DEFAULT 0;
