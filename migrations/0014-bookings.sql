-- 日终对账: what the gateway has as booked at each bank, in the order in which it came to be known; its sums; and the sessions (场次) in which it is held
-- against the banks' own files (art. 35-36). Bookings are only added, differences are the findings of one session: triggers refuse anything else.

-- 记账分录: one entry of a bank day (bank, accounting date). It follows the feed of results; what two persons adopt and what a notice corrects is added
-- beside it. bucket: the top bits of the keyed hash of the key, so that a few buckets can be read without the rest.
CREATE TABLE booking (
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL COMMENT 'the bank''s own; where it named none, by its contract''s end of day',
  bucket           INT          NOT NULL,
  office_code      VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entrust_date     DATE         NOT NULL,
  serial_no        CHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verb             VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ticket_no        CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  work_date        DATE         NOT NULL COMMENT 'the tax side''s own',
  treasury_code    VARCHAR(11)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount           BIGINT       NOT NULL COMMENT 'fen; the verb says which way',
  account_digest   BINARY(8)    NOT NULL COMMENT 'keyed hash of the account: it says whether it is the same, not which',
  instruction_id   BIGINT       NULL,
  source           VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  dated_by         VARCHAR(5)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who named the accounting date',
  seq              BIGINT       NOT NULL COMMENT 'without gaps, in the order of commits',
  PRIMARY KEY (bank_code, accounting_date, bucket, office_code, entrust_date, serial_no, verb),
  KEY by_day (bank_code, accounting_date, seq),
  KEY by_ticket (ticket_no),
  CONSTRAINT booking_bucket CHECK (bucket BETWEEN 0 AND 65535),
  CONSTRAINT booking_verb CHECK (verb IN ('debit', 'supplementaryDebit', 'reversal', 'adjustment')),
  CONSTRAINT booking_amount CHECK (amount BETWEEN 1 AND 999999999999999),
  CONSTRAINT booking_source CHECK (source IN ('instruction', 'adoption', 'notice')),
  CONSTRAINT booking_dated_by CHECK (dated_by IN ('bank', 'clock')),
  CONSTRAINT booking_instruction CHECK (source <> 'instruction' OR instruction_id IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER booking_no_update BEFORE UPDATE ON booking FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bookings are only ever added';

CREATE TRIGGER booking_no_delete BEFORE DELETE ON booking FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bookings are only ever added';

-- The sums of a bank day's bookings, kept with them: of each bucket the number of entries and two sums of 32 bits of their fingerprints. They follow from
-- the bookings, and can be made from them again.
CREATE TABLE booking_sum (
  bank_code        VARCHAR(4)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE        NOT NULL,
  bucket           INT         NOT NULL,
  entries          INT         NOT NULL,
  low              BIGINT      NOT NULL COMMENT 'modulo 2^32',
  high             BIGINT      NOT NULL COMMENT 'modulo 2^32',
  PRIMARY KEY (bank_code, accounting_date, bucket)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The totals of a bank day by verb (对账总数).
CREATE TABLE booking_total (
  bank_code        VARCHAR(4)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE           NOT NULL,
  verb             VARCHAR(20)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entries          BIGINT         NOT NULL,
  amount           BIGINT         NOT NULL COMMENT 'fen',
  PRIMARY KEY (bank_code, accounting_date, verb)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far the feed is booked, and how many bookings there are. Whoever books locks it first. key_check: a hash of nothing under the key of the
-- fingerprints, so that another key is found out before it spoils the sums.
CREATE TABLE booking_cursor (
  id          TINYINT    NOT NULL PRIMARY KEY,
  result_seq  BIGINT     NOT NULL COMMENT 'the last of the feed that is booked',
  booked      BIGINT     NOT NULL COMMENT 'bookings so far; the number of the last',
  key_check   BINARY(8)  NULL,
  CONSTRAINT booking_cursor_one CHECK (id = 1)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO booking_cursor (id, result_seq, booked) VALUES (1, 0, 0);

-- 对账场次: one comparison of a bank day. All entries of the day so far are looked at each time, so a session can be held again.
-- attempt_no is the fence: a claim raises it, and a late write with an older number changes no row.
CREATE TABLE reconciliation (
  bank_code        VARCHAR(4)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE           NOT NULL,
  session          INT            NOT NULL COMMENT '1, 2, … within the bank day',
  work_date        DATE           NOT NULL COMMENT 'the tax side''s day on which it is held',
  kind             VARCHAR(8)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state            VARCHAR(12)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  opened_by        VARCHAR(80)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a person''s URI, or the process',
  reason           VARCHAR(200)   NOT NULL DEFAULT '',
  opened_at        DATETIME(3)    NOT NULL,
  doubts           INT            NULL COMMENT 'open when the session was frozen: they are no bookings',
  frozen_seq       BIGINT         NULL COMMENT 'the last booking that belongs to it',
  frozen_at        DATETIME(3)    NULL,
  totals           TEXT           NULL COMMENT 'ours, by verb, as JSON',
  bank_totals      TEXT           NULL COMMENT 'the bank''s, as JSON, where it told them',
  totals_code      CHAR(5)        CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the bank''s answer to ours',
  office_code      VARCHAR(12)    CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'with date and serial: the key of our message about totals',
  entrust_date     DATE           NULL,
  serial_no        CHAR(8)        CHARACTER SET ascii COLLATE ascii_bin NULL,
  file_id          BIGINT         NULL COMMENT 'the file that was matched: its first chunk',
  file_sha256      BINARY(32)     NULL,
  file_fault       VARCHAR(200)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'why the last file was refused',
  matched_at       DATETIME(3)    NULL,
  equal_entries    BIGINT         NULL,
  counts           TEXT           NULL COMMENT 'differences by type, as JSON',
  done_at          DATETIME(3)    NULL,
  attempt_no       INT            NOT NULL DEFAULT 0,
  lease_owner      VARCHAR(40)    CHARACTER SET ascii COLLATE ascii_bin NULL,
  lease_until      DATETIME(3)    NULL,
  next_at          DATETIME(3)    NULL COMMENT 'when to look again; NULL: nothing is left to do',
  PRIMARY KEY (bank_code, accounting_date, session),
  KEY due (next_at),
  CONSTRAINT reconciliation_session CHECK (session BETWEEN 1 AND 9999),
  CONSTRAINT reconciliation_kind CHECK (kind IN ('intraday', 'day-end')),
  CONSTRAINT reconciliation_state CHECK (state IN ('opened', 'settling', 'frozen', 'awaited', 'taken', 'matched', 'balanced', 'differing', 'withdrawn')),
  CONSTRAINT reconciliation_frozen CHECK ((frozen_seq IS NULL) = (frozen_at IS NULL)),
  CONSTRAINT reconciliation_done CHECK (done_at IS NULL OR state IN ('balanced', 'differing', 'withdrawn'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER reconciliation_no_delete BEFORE DELETE ON reconciliation FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a session stays';

-- What a session has found. Rows count once their session is matched.
CREATE TABLE difference (
  bank_code        VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE          NOT NULL,
  session          INT           NOT NULL,
  ordinal          INT           NOT NULL COMMENT '1, 2, … in the order of the keys',
  type             VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  office_code      VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entrust_date     DATE          NOT NULL,
  serial_no        CHAR(8)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verb             VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ticket_no        CHAR(18)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instruction_id   BIGINT        NULL,
  tax_amount       BIGINT        NOT NULL COMMENT 'fen; 0: the tax side has nothing',
  bank_amount      BIGINT        NOT NULL COMMENT 'fen, of all entries of this key; 0: the bank has nothing',
  bank_entries     INT           NOT NULL,
  bank_serial      VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the last of them',
  line_no          BIGINT        NULL,
  detail           VARCHAR(400)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'JSON, without private values',
  break_id         BIGINT        NULL,
  PRIMARY KEY (bank_code, accounting_date, session, ordinal),
  KEY by_ticket (ticket_no),
  KEY by_key (entrust_date, serial_no, office_code),
  CONSTRAINT difference_session FOREIGN KEY (bank_code, accounting_date, session) REFERENCES reconciliation (bank_code, accounting_date, session),
  CONSTRAINT difference_type CHECK (type IN ('amount-differs', 'bank-only', 'tax-only', 'state-differs', 'duplicate-at-bank', 'reversed-one-side',
    'particulars-differ', 'cut-off', 'in-bank')),
  CONSTRAINT difference_verb CHECK (verb IN ('debit', 'supplementaryDebit', 'reversal', 'adjustment'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Only the break that a difference became is written later, and once.
CREATE TRIGGER difference_no_update BEFORE UPDATE ON difference FOR EACH ROW BEGIN
  IF OLD.break_id IS NOT NULL OR NEW.break_id IS NULL OR NOT (
    NEW.bank_code = OLD.bank_code AND NEW.accounting_date = OLD.accounting_date AND NEW.session = OLD.session AND NEW.ordinal = OLD.ordinal
    AND NEW.type = OLD.type AND NEW.office_code = OLD.office_code AND NEW.entrust_date = OLD.entrust_date AND NEW.serial_no = OLD.serial_no
    AND NEW.verb = OLD.verb AND NEW.ticket_no = OLD.ticket_no AND NEW.instruction_id <=> OLD.instruction_id AND NEW.tax_amount = OLD.tax_amount
    AND NEW.bank_amount = OLD.bank_amount AND NEW.bank_entries = OLD.bank_entries AND NEW.bank_serial <=> OLD.bank_serial
    AND NEW.line_no <=> OLD.line_no AND NEW.detail = OLD.detail
  ) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a finding is never changed';
  END IF;
END;

-- Rows are written while the session's file is being matched; once it is matched they are its findings. What a broken-off match has left is taken out.
CREATE TRIGGER difference_in_time BEFORE INSERT ON difference FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_code = NEW.bank_code AND r.accounting_date = NEW.accounting_date
      AND r.session = NEW.session AND r.state = 'taken') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a session that is matched finds nothing more';
  END IF;
END;

CREATE TRIGGER difference_no_delete BEFORE DELETE ON difference FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_code = OLD.bank_code AND r.accounting_date = OLD.accounting_date
      AND r.session = OLD.session AND r.state = 'taken') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a finding is never removed';
  END IF;
END;
