-- Why a call that came in was not answered: a rule of the campaign's, or what the permit was refused for.
ALTER TABLE calls ADD COLUMN turned_away text;

-- Whom a number that is rung belongs to.
CREATE INDEX campaigns_by_number ON campaigns USING gin ((settings -> 'caller_numbers'))
    WHERE settings ->> 'type' = 'inbound';
