-- What a participant is called in Persian; empty where nobody said.
ALTER TABLE reference.participants ADD COLUMN display_name_fa text NOT NULL DEFAULT '';
