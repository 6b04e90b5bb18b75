-- What is told of a single ticket waits for what has its hour: on the day after a last filing day a bank has hundreds of thousands of tickets to be told of
-- (art. 34), and its vouchers have to be at the treasury at 16:00 (art. 37).
ALTER TABLE bank_call
  ADD COLUMN patient  TINYINT  AS (verb = 'ticketInformation') STORED COMMENT 'waits for what is not',
  ADD KEY due_at_bank (bank_code, patient, next_attempt_at);
