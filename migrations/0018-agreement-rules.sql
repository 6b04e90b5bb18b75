-- What is due at one bank is found without looking at what is due at all the others, however much a file of many has brought.
ALTER TABLE agreement_call
  DROP KEY due,
  ADD KEY due_at_bank (bank_code, next_attempt_at);
