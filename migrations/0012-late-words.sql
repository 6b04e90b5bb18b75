-- What a late answer says for certain is held against whatever its instruction comes to, also when it comes to it later, and against what two
-- persons would say; its words alone could not be compared.
ALTER TABLE late_answer
  ADD COLUMN said_state   VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'what it says for certain: succeeded, refused; NULL: nothing',
  ADD COLUMN said_amount  BIGINT       NULL COMMENT 'fen it says have moved',
  ADD CONSTRAINT late_answer_said CHECK ((said_state IS NULL) = (said_amount IS NULL) AND (said_state IS NULL OR said_state IN ('succeeded', 'refused')));
