-- Rows are kept in the order of their payments: an index by file and number was torn open at random
-- by every one of them, and the file alone is what rows are looked up by.
DROP INDEX reference.bank_row_file;
CREATE INDEX bank_row_file ON reference.bank_row (file);
