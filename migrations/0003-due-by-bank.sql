-- What is due is looked for bank by bank, so that a crowd at one bank hides nobody else's: the index alone answers.
ALTER TABLE instruction DROP KEY due, ADD KEY due (next_attempt_at, bank_code);
