-- 扣款: tickets, the instructions sent for them, the attempts, the journal, the outbox and the feed of results.
-- Money is BIGINT fen. Instants are UTC. The journal is only ever added to; triggers refuse anything else.

-- Numbers that must never be given twice are handed out in blocks, in a transaction of their own that is committed before any is used.
CREATE TABLE counter (
  name  VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  next  BIGINT      NOT NULL,
  CONSTRAINT counter_next CHECK (next >= 1)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO counter (name, next) VALUES ('result', 1);

CREATE TABLE ticket (
  ticket_no      CHAR(18)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT '电子税票号码',
  tax_system     VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who sent it: the URI of its certificate',
  office_code    VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code      VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount         BIGINT        NOT NULL COMMENT 'fen',
  content_hash   BINARY(32)    NOT NULL COMMENT 'SHA-256 of the tax side''s instruction: the same ticket with another hash is refused',
  accepted_at    DATETIME(3)   NOT NULL,
  CONSTRAINT ticket_no_length CHECK (CHAR_LENGTH(ticket_no) = 18),
  CONSTRAINT ticket_amount CHECK (amount BETWEEN 1 AND 999999999999999)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One message to a bank that moves money. Its key (office, entrust date, serial) is never used again.
CREATE TABLE instruction (
  id               BIGINT       NOT NULL PRIMARY KEY,
  verb             VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ticket_no        CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  office_code      VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entrust_date     DATE         NOT NULL,
  serial_no        CHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount           BIGINT       NOT NULL COMMENT 'fen',
  request          TEXT         NOT NULL COMMENT 'the message to the bank as JSON, frozen: every attempt sends the same',
  state            VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The fence: a claim raises attempt_no and names its owner; a late write with an older number changes no row.
  attempt_no       INT          NOT NULL DEFAULT 0,
  lease_owner      VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  next_attempt_at  DATETIME(3)  NULL COMMENT 'when to look again: end of the lease, next inquiry, next delivery; 9999: a person decides; NULL: settled',
  person           BOOLEAN      NOT NULL DEFAULT FALSE COMMENT 'the ladder is over: a person decides',
  redeliveries     INT          NOT NULL DEFAULT 0,
  inquiries        INT          NOT NULL DEFAULT 0,
  last_sent_at     DATETIME(3)  NULL,
  result_code      CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'unified code',
  bank_result_code VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  bank_text        VARCHAR(120) NULL,
  bank_serial      VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  accounting_date  DATE         NULL COMMENT 'the bank''s own',
  accepted_at      DATETIME(3)  NOT NULL,
  settled_at       DATETIME(3)  NULL,
  -- Given up when the outcome comes and takes its place: a row that grew then would split its page, which costs four times the redo log.
  room             VARCHAR(48)  CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT (REPEAT('.', 48)),
  -- The last defence against a double debit: per ticket at most one debit that is not certainly refused.
  live_debit       TINYINT      AS (IF(verb = 'debit' AND state <> 'refused', 1, NULL)) STORED,
  UNIQUE KEY bank_key (office_code, entrust_date, serial_no),
  UNIQUE KEY one_live_debit (ticket_no, live_debit),
  KEY due (next_attempt_at),
  CONSTRAINT instruction_serial CHECK (CHAR_LENGTH(serial_no) = 8),
  CONSTRAINT instruction_amount CHECK (amount BETWEEN 1 AND 999999999999999),
  CONSTRAINT instruction_state CHECK (state IN ('accepted', 'sent', 'unknown', 'succeeded', 'refused')),
  CONSTRAINT instruction_open CHECK ((settled_at IS NULL) = (next_attempt_at IS NOT NULL)),
  CONSTRAINT instruction_settled CHECK ((state IN ('succeeded', 'refused')) = (settled_at IS NOT NULL)),
  CONSTRAINT instruction_verb CHECK (verb IN ('debit', 'supplementaryDebit', 'reversal'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One call to a bank, committed before its first byte leaves.
CREATE TABLE attempt (
  instruction_id  BIGINT       NOT NULL,
  attempt_no      INT          NOT NULL,
  verb            VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'debit or inquiry: what was asked',
  owner           VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  started_at      DATETIME(3)  NOT NULL,
  PRIMARY KEY (instruction_id, attempt_no)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What came of it: a row of its own, so that an attempt is never rewritten. An attempt without an answer was cut off, and is in doubt.
CREATE TABLE answer (
  instruction_id  BIGINT       NOT NULL,
  attempt_no      INT          NOT NULL,
  at              DATETIME(3)  NOT NULL,
  result_code     CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'unified code',
  fault           VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'the line''s or the layout''s fault, where there was one',
  transcript      TEXT         NULL COMMENT 'SHA-256 of the bytes both ways, the reply, and where it is not certain the request, private fields masked',
  PRIMARY KEY (instruction_id, attempt_no)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE journal (
  id              BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at              DATETIME(3)  NOT NULL,
  ticket_no       CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instruction_id  BIGINT       NOT NULL,
  event           VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor           VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a certificate''s URI, or the process',
  state           VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the state it led to',
  reason          VARCHAR(200) NOT NULL,
  KEY by_ticket (ticket_no, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is never changed';

CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is never changed';

-- What still has to be told to the queue: written with the state it belongs to, removed when a call begins or when the queue has it.
CREATE TABLE outbox (
  instruction_id  BIGINT       NOT NULL PRIMARY KEY,
  wake_at         DATETIME(3)  NOT NULL,
  KEY by_time (wake_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The feed of outcomes: seq is taken under the lock of counter 'result' in the settling transaction, so that it grows in the order of
-- commits without a gap, and a reader that has seen n has seen all up to n.
CREATE TABLE result (
  seq             BIGINT       NOT NULL PRIMARY KEY,
  ticket_no       CHAR(18)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instruction_id  BIGINT       NOT NULL,
  state           VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at              DATETIME(3)  NOT NULL,
  UNIQUE KEY once (instruction_id),
  CONSTRAINT result_state CHECK (state IN ('succeeded', 'refused'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where each webhook stands in the feed; one process at a time delivers, under a lease.
CREATE TABLE delivery (
  name             VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  delivered_seq    BIGINT       NOT NULL DEFAULT 0,
  failures         INT          NOT NULL DEFAULT 0,
  next_attempt_at  DATETIME(3)  NOT NULL,
  lease_owner      VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  lease_until      DATETIME(3)  NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
