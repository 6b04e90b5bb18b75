-- 告知银行: what a bank is to be told of day-end and what follows from it. A row is written in the transaction in which it becomes due to be told; of one
-- thing each verb is told once. The message keeps its key until it is answered, so that a bank that has it already only repeats itself.
CREATE TABLE bank_call (
  id                BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  bank_code         VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  office_code       VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of the key of the message',
  verb              VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject           VARCHAR(60)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what it is about: the number of a notice, of a summary, a ticket',
  content           TEXT          NOT NULL COMMENT 'the message without its key, or what it is made of, JSON',
  made_at           DATETIME(3)   NOT NULL,
  entrust_date      DATE          NULL COMMENT 'with the serial number its key, taken with the first attempt',
  serial_no         CHAR(8)       CHARACTER SET ascii COLLATE ascii_bin NULL,
  attempt_no        INT           NOT NULL DEFAULT 0,
  lease_owner       VARCHAR(40)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  next_attempt_at   DATETIME(3)   NULL COMMENT 'when to call, or when the lease is over; NULL: it is over',
  result_code       CHAR(5)       CHARACTER SET ascii COLLATE ascii_bin NULL,
  bank_result_code  VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  bank_text         VARCHAR(120)  NULL,
  fault             VARCHAR(40)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  transcript        TEXT          NULL COMMENT 'the last exchange, private fields masked',
  done_at           DATETIME(3)   NULL,
  UNIQUE KEY once (bank_code, verb, subject),
  KEY due (next_attempt_at, bank_code),
  CONSTRAINT bank_call_open CHECK ((done_at IS NULL) = (next_attempt_at IS NOT NULL)),
  CONSTRAINT bank_call_key CHECK ((entrust_date IS NULL) = (serial_no IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER bank_call_frozen BEFORE UPDATE ON bank_call FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.bank_code = OLD.bank_code AND NEW.office_code = OLD.office_code AND NEW.verb = OLD.verb
      AND NEW.subject = OLD.subject AND NEW.content = OLD.content AND NEW.made_at = OLD.made_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank is to be told is never changed';
  END IF;
  IF OLD.serial_no IS NOT NULL AND NOT (NEW.serial_no <=> OLD.serial_no AND NEW.entrust_date <=> OLD.entrust_date) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a message keeps its key';
  END IF;
  IF OLD.done_at IS NOT NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank has answered is over';
  END IF;
END;

CREATE TRIGGER bank_call_no_delete BEFORE DELETE ON bank_call FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank was told is never deleted';

-- 办税日历 (art. 17(4)): the State Council's holidays by year, and the deadlines that the bureau announced otherwise. They come with the reference data and
-- are replaced whole with it, so that a new year needs no release.
CREATE TABLE calendar_year (
  year_no    SMALLINT  NOT NULL PRIMARY KEY,
  off_days   TEXT      NOT NULL COMMENT 'first and last day of each holiday, JSON',
  work_days  TEXT      NOT NULL COMMENT 'weekend days that are worked, JSON'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE calendar_announced (
  legal_date  DATE  NOT NULL PRIMARY KEY COMMENT 'as art. 17 names it, before any shift',
  until_date  DATE  NOT NULL,
  CONSTRAINT calendar_announced_later CHECK (until_date >= legal_date)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- 单边账 from the banks' files (art. 35): what nobody ever sent has no instruction; it is known by its key at the bank. A break is closed when its remedy has
-- been carried out, as before; it is over when a later session confirms it.
ALTER TABLE break
  MODIFY COLUMN instruction_id BIGINT NULL,
  ADD COLUMN bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN office_code      VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'whose it is: the collecting office of the ticket',
  ADD COLUMN accounting_date  DATE         NULL COMMENT 'the bank day whose session found it',
  ADD COLUMN session          INT          NULL,
  ADD COLUMN subject          VARCHAR(60)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of a session: the instruction, or the key at the bank',
  ADD COLUMN found_type       VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the difference it began with',
  ADD COLUMN entrust_date     DATE         NULL COMMENT 'with the serial number, the key of that difference',
  ADD COLUMN serial_no        CHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN verb             VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN bank_serial      VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN excess           BIGINT       NULL COMMENT 'fen that the bank has too much by what the session found; below zero: too little',
  ADD COLUMN found_day        DATE         AS (COALESCE(accounting_date, '1970-01-01')) STORED,
  ADD COLUMN state            VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'found' COMMENT 'that of its last step',
  ADD COLUMN remedy           VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN remedy_by        BIGINT       NULL COMMENT 'the instruction that carries it out',
  ADD COLUMN deadline         DATETIME(3)  NULL,
  ADD COLUMN level            VARCHAR(10)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'county' COMMENT 'how far up it has come',
  ADD COLUMN closed_with      VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'a notice, an adoption, a session: what closed it, where no instruction did',
  ADD COLUMN confirmed_at     DATETIME(3)  NULL,
  ADD COLUMN confirmed_by     VARCHAR(24)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'bank day and session that confirmed it',
  DROP KEY once,
  ADD UNIQUE KEY once_a_day (instruction_id, kind, source, found_day, is_open),
  DROP CONSTRAINT break_kind,
  DROP CONSTRAINT break_differs,
  DROP CONSTRAINT break_closed,
  ADD CONSTRAINT break_kind_of CHECK (kind IN ('bank-only', 'bank-missing', 'under-debited', 'over-debited', 'particulars')),
  ADD CONSTRAINT break_amounts CHECK ((tax_amount <> bank_amount) = (kind <> 'particulars')),
  ADD CONSTRAINT break_closed_by CHECK ((closed_at IS NULL) = (closed_by IS NULL AND closed_with IS NULL)),
  ADD CONSTRAINT break_about CHECK (instruction_id IS NOT NULL OR (source = 'file' AND serial_no IS NOT NULL)),
  ADD CONSTRAINT break_found CHECK ((source = 'file') = (session IS NOT NULL AND accounting_date IS NOT NULL AND subject IS NOT NULL AND excess IS NOT NULL)),
  ADD CONSTRAINT break_confirmed CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL) AND (confirmed_at IS NULL) = (confirmed_by IS NULL)),
  ADD CONSTRAINT break_level CHECK (level IN ('county', 'city', 'province')),
  ADD KEY by_day (bank_code, accounting_date, state),
  ADD KEY by_state (state, deadline),
  ADD KEY by_office (office_code, id);

UPDATE break b JOIN instruction i ON i.id = b.instruction_id SET b.bank_code = i.bank_code, b.office_code = i.office_code;

-- The life of a break, line by line: only added to. The break itself shows the state of its last step and nothing else.
CREATE TABLE break_step (
  break_id    BIGINT        NOT NULL,
  seq         INT           NOT NULL COMMENT '1, 2, 3 …',
  at          DATETIME(3)   NOT NULL,
  event       VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_state  VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  to_state    VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor       VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a person''s URI, a bank, or the process',
  reason      VARCHAR(200)  NOT NULL,
  PRIMARY KEY (break_id, seq),
  CONSTRAINT break_step_break FOREIGN KEY (break_id) REFERENCES break (id),
  CONSTRAINT break_step_move CHECK (event = 'escalate' AND from_state = to_state OR CONCAT(from_state, ' ', event, ' ', to_state) IN (
    'found choose chosen', 'chosen choose chosen', 'failed choose chosen', 'chosen begin under-way',
    'under-way remedy remedied', 'under-way fail failed', 'under-way void void',
    'found confirm confirmed', 'chosen confirm confirmed', 'under-way confirm confirmed', 'remedied confirm confirmed',
    'failed confirm confirmed', 'void confirm confirmed',
    'found supersede superseded', 'chosen supersede superseded', 'under-way supersede superseded', 'remedied supersede superseded',
    'failed supersede superseded', 'void supersede superseded'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER break_step_follows BEFORE INSERT ON break_step FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM break b WHERE b.id = NEW.break_id AND b.state = NEW.from_state)
      OR NEW.seq <> 1 + (SELECT COUNT(*) FROM break_step s WHERE s.break_id = NEW.break_id) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a step follows the step before it';
  END IF;
END;

CREATE TRIGGER break_step_no_update BEFORE UPDATE ON break_step FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a step is never changed';

CREATE TRIGGER break_step_no_delete BEFORE DELETE ON break_step FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a step is never deleted';

-- What was found stays as it was found; the state moves with a step.
CREATE TRIGGER break_frozen BEFORE UPDATE ON break FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.ticket_no = OLD.ticket_no AND NEW.instruction_id <=> OLD.instruction_id AND NEW.kind = OLD.kind
      AND NEW.source = OLD.source AND NEW.tax_amount = OLD.tax_amount AND NEW.bank_amount = OLD.bank_amount
      AND NEW.accounting_date <=> OLD.accounting_date AND NEW.session <=> OLD.session AND NEW.subject <=> OLD.subject) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was found is never changed';
  END IF;
  IF NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM break_step s WHERE s.break_id = OLD.id AND s.to_state = NEW.state AND s.from_state = OLD.state
      AND s.seq = (SELECT COUNT(*) FROM break_step l WHERE l.break_id = OLD.id)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a break moves by a step';
  END IF;
END;

-- 调账通知单 (art. 6(3), 35(1)): the county's own paper, by which a bank gives back after its day-end what it took too much. The number is of the county
-- office and the day. What it says is never changed; what became of it is written once.
CREATE TABLE adjustment_notice (
  notice_no        VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  break_id         BIGINT       NOT NULL,
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  office_code      VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'collecting office of the ticket; of the key of the message',
  issuing_office   VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ticket_no        CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  original_date    DATE         NOT NULL COMMENT 'with the serial number, the key of what was taken too much',
  original_serial  CHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_serial      VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  accounting_date  DATE         NOT NULL,
  tax_amount       BIGINT       NOT NULL,
  bank_amount      BIGINT       NOT NULL,
  amount           BIGINT       NOT NULL COMMENT 'fen to give back',
  cause            VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  issued_by        VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  issued_at        DATETIME(3)  NOT NULL,
  issued_on        DATE         NOT NULL,
  due_on           DATE         NOT NULL COMMENT 'before the reconciliation of this day',
  told_at          DATETIME(3)  NULL,
  told_code        CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the bank''s answer to it',
  booked_at        DATETIME(3)  NULL COMMENT 'when it was known that the bank has given it back',
  booked_amount    BIGINT       NULL,
  booked_date      DATE         NULL COMMENT 'the bank''s accounting date of it',
  booked_serial    VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  booked_from      VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'receipt: the bank told; file: its file shows it',
  UNIQUE KEY one_for_a_break (break_id),
  KEY by_due (booked_at, due_on),
  KEY by_office (issuing_office, issued_on),
  KEY by_ticket (ticket_no),
  CONSTRAINT adjustment_notice_break FOREIGN KEY (break_id) REFERENCES break (id),
  CONSTRAINT adjustment_notice_amount CHECK (amount BETWEEN 1 AND 999999999999999),
  CONSTRAINT adjustment_notice_cause CHECK (cause IN ('duplicate', 'over-debited', 'bank-only', 'reversal-missing')),
  CONSTRAINT adjustment_notice_due CHECK (due_on >= issued_on),
  CONSTRAINT adjustment_notice_told CHECK (told_code IS NULL OR told_at IS NOT NULL),
  CONSTRAINT adjustment_notice_booked CHECK ((booked_at IS NULL) = (booked_amount IS NULL) AND (booked_at IS NULL) = (booked_date IS NULL)
    AND (booked_at IS NULL) = (booked_from IS NULL) AND (booked_amount IS NULL OR booked_amount = amount))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER adjustment_notice_frozen BEFORE UPDATE ON adjustment_notice FOR EACH ROW BEGIN
  IF NOT (NEW.notice_no = OLD.notice_no AND NEW.break_id = OLD.break_id AND NEW.bank_code = OLD.bank_code AND NEW.office_code = OLD.office_code
      AND NEW.issuing_office = OLD.issuing_office AND NEW.ticket_no = OLD.ticket_no AND NEW.original_date = OLD.original_date
      AND NEW.original_serial = OLD.original_serial AND NEW.bank_serial <=> OLD.bank_serial AND NEW.accounting_date = OLD.accounting_date
      AND NEW.tax_amount = OLD.tax_amount AND NEW.bank_amount = OLD.bank_amount AND NEW.amount = OLD.amount AND NEW.cause = OLD.cause
      AND NEW.issued_by = OLD.issued_by AND NEW.issued_at = OLD.issued_at AND NEW.issued_on = OLD.issued_on AND NEW.due_on = OLD.due_on) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a notice is never changed';
  END IF;
  IF OLD.booked_at IS NOT NULL AND NOT (NEW.booked_at <=> OLD.booked_at AND NEW.booked_amount <=> OLD.booked_amount
      AND NEW.booked_date <=> OLD.booked_date AND NEW.booked_serial <=> OLD.booked_serial AND NEW.booked_from <=> OLD.booked_from) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank has given back is written once';
  END IF;
END;

CREATE TRIGGER adjustment_notice_no_delete BEFORE DELETE ON adjustment_notice FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a notice is never deleted';

-- 采信: what a bank debited and our record had not, taken by two persons for the payment of its ticket (art. 35). The settled record stays as it is.
CREATE TABLE adoption (
  break_id         BIGINT       NOT NULL PRIMARY KEY,
  proposal_id      BIGINT       NOT NULL,
  ticket_no        CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL,
  amount           BIGINT       NOT NULL,
  at               DATETIME(3)  NOT NULL,
  UNIQUE KEY one_for_a_ticket (ticket_no),
  UNIQUE KEY one_proposal (proposal_id),
  CONSTRAINT adoption_break FOREIGN KEY (break_id) REFERENCES break (id),
  CONSTRAINT adoption_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER adoption_begins BEFORE INSERT ON adoption FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM proposal p JOIN break b ON b.id = NEW.break_id WHERE p.id = NEW.proposal_id AND p.state = 'approved'
      AND p.kind = 'settle-break' AND p.subject = CONCAT('break/', NEW.break_id) AND b.bank_amount = NEW.amount AND b.ticket_no = NEW.ticket_no) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is adopted by two persons';
  END IF;
END;

CREATE TRIGGER adoption_no_update BEFORE UPDATE ON adoption FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an adoption is never changed';

CREATE TRIGGER adoption_no_delete BEFORE DELETE ON adoption FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an adoption is never deleted';

-- Banks tell more than of bindings: what they have given back, remitted, received and printed.
ALTER TABLE bank_message
  DROP CONSTRAINT bank_message_verb,
  ADD CONSTRAINT bank_message_verb CHECK (verb IN
    ('bindingResult', 'bindingNotice', 'adjustmentReceipt', 'remitConfirmation', 'treasuryReceipt', 'voucherPrinted'));
