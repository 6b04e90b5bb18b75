-- A bank sends the file of a day once more, and the session that reads it finds still more of a debit than what a notice asks for, which is open for days
-- (art. 35(1)): that is a break of its own, of the same instruction, kind and day. Within one session a difference that has its break is passed by.
ALTER TABLE break
  ADD COLUMN found_session  INT  AS (COALESCE(session, 0)) STORED,
  DROP KEY once_a_day,
  ADD UNIQUE KEY once_a_session (instruction_id, kind, source, found_day, found_session, is_open);
