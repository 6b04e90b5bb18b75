-- 三方协议与账号绑定 (art. 8-10, 28, 29(6), 44, annex 2). An agreement's particulars are never changed: a change is a new agreement that replaces
-- the old one (art. 9). What moves an agreement is journalled with who, why and the article; the journal is also the feed of changes (art. 44).

CREATE TABLE agreement (
  id                 BIGINT        NOT NULL PRIMARY KEY,
  agreement_no       VARCHAR(60)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '三方协议书号',
  tax_system         VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who registered it: the URI of its certificate',
  taxpayer_id        VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  taxpayer_name      VARCHAR(100)  NOT NULL,
  office_code        VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bank_code          VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch             CHAR(12)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '开户行行号',
  account            VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '缴税账号',
  channel            VARCHAR(8)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  by_paper           BOOLEAN       NOT NULL COMMENT 'the taxpayer takes it to the bank: nothing is sent, the bank tells',
  content_hash       BINARY(32)    NOT NULL COMMENT 'SHA-256 of what was registered: the same number with another hash is refused',
  registered_at      DATETIME(3)   NOT NULL,
  replaces_id        BIGINT        NULL COMMENT 'the agreement it takes the place of, art. 9',
  exception          VARCHAR(30)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'why the account may change inside its year, art. 9',
  permit_id          BIGINT        NULL COMMENT 'the proposal of two persons that permitted it',
  warning            VARCHAR(8)    CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'what is unusual about the taxpayer id',
  state              VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The fence: every move raises it.
  version            INT           NOT NULL DEFAULT 1,
  state_since        DATETIME(3)   NOT NULL,
  approved_by        VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the county office, art. 8(2)',
  bound_on           DATE          NULL COMMENT 'art. 8(3)',
  active_from        DATE          NULL COMMENT 'art. 8(4)',
  valid_to           DATE          NULL COMMENT 'annex 2 §14',
  account_since      DATE          NULL COMMENT 'since when the account is the taxpayer''s, over all agreements, art. 9',
  enabled_by         VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT '缴税启用标志, art. 6: who set it',
  enabled_at         DATETIME(3)   NULL,
  objected_at        DATETIME(3)   NULL COMMENT 'somebody objected to its renewal, annex 2 §14',
  suspended_by       VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'which side stopped payments; only that side lets them go on',
  ending_since       DATETIME(3)   NULL COMMENT 'no new debit passes; it ends when the pending ones are settled, art. 10',
  ending_by          VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'tax: the bank has to be told; bank: it knows',
  void_reason        VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'annex 2 §12',
  credential_issued  BOOLEAN       NOT NULL DEFAULT FALSE COMMENT 'phone filers: that the bank issued code and password; the secret is never here',
  likeness           VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'how what the bank holds compares, annex 2 §7',
  result_code        CHAR(5)       CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'what the bank last said of the binding: unified code',
  bank_result_code   VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  bank_text          VARCHAR(120)  NULL,
  -- At most one agreement in force for one taxpayer and account.
  live               TINYINT       AS (IF(state IN ('accepted', 'active', 'suspended'), 1, NULL)) STORED,
  review             TINYINT       AS (IF(state IN ('bound', 'unbound'), 1, NULL)) STORED,
  ending             TINYINT       AS (IF(ending_since IS NOT NULL AND state IN ('accepted', 'active', 'suspended'), 1, NULL)) STORED,
  -- The day on which the calendar has to look: the first of the year for what was accepted, the last of it for what is active.
  due_on             DATE          AS (CASE WHEN state = 'accepted' THEN active_from WHEN state IN ('active', 'suspended') THEN valid_to ELSE NULL END) STORED,
  UNIQUE KEY once (agreement_no),
  UNIQUE KEY one_live (taxpayer_id, bank_code, account, live),
  UNIQUE KEY one_permit (permit_id),
  KEY by_review (review, id),
  KEY by_review_office (review, office_code, bank_code, id),
  KEY by_ending (ending, id),
  KEY by_day (due_on, id),
  KEY by_system (tax_system, id),
  KEY by_bank (bank_code, state),
  CONSTRAINT agreement_state CHECK (state IN ('drafted', 'approved', 'sent', 'taken', 'bound', 'unbound', 'accepted', 'active', 'suspended', 'refused',
    'ended', 'lapsed', 'void')),
  CONSTRAINT agreement_channel CHECK (channel IN ('computer', 'phone')),
  CONSTRAINT agreement_in_force CHECK (state NOT IN ('accepted', 'active', 'suspended')
    OR (bound_on IS NOT NULL AND active_from IS NOT NULL AND valid_to IS NOT NULL AND account_since IS NOT NULL)),
  CONSTRAINT agreement_month CHECK (active_from IS NULL OR active_from > LAST_DAY(bound_on)),
  CONSTRAINT agreement_enabled CHECK ((enabled_by IS NULL) = (enabled_at IS NULL)),
  CONSTRAINT agreement_suspended CHECK ((state = 'suspended') = (suspended_by IS NOT NULL)),
  CONSTRAINT agreement_ending CHECK ((ending_since IS NULL) = (ending_by IS NULL)),
  CONSTRAINT agreement_void CHECK ((state = 'void') = (void_reason IS NOT NULL)),
  CONSTRAINT agreement_permit CHECK (permit_id IS NULL OR exception IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- An account changes inside its year only by an exception, and an exception leads on only by two persons: against plain SQL too.
CREATE TRIGGER agreement_begins BEFORE INSERT ON agreement FOR EACH ROW BEGIN
  IF NEW.permit_id IS NOT NULL OR (NEW.exception IS NOT NULL AND NEW.state <> 'drafted') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an exception waits for two persons';
  END IF;
  IF NEW.replaces_id IS NOT NULL AND NEW.exception IS NULL AND EXISTS (
      SELECT 1 FROM agreement o WHERE o.id = NEW.replaces_id AND (o.account <> NEW.account OR o.bank_code <> NEW.bank_code)
        AND (o.account_since IS NULL OR DATE(NEW.registered_at + INTERVAL 8 HOUR) < o.account_since + INTERVAL 1 YEAR)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'inside its year an account changes only by an exception';
  END IF;
END;

CREATE TRIGGER agreement_frozen BEFORE UPDATE ON agreement FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.agreement_no = OLD.agreement_no AND NEW.tax_system = OLD.tax_system AND NEW.taxpayer_id = OLD.taxpayer_id
      AND NEW.taxpayer_name = OLD.taxpayer_name AND NEW.office_code = OLD.office_code AND NEW.bank_code = OLD.bank_code AND NEW.branch = OLD.branch
      AND NEW.account = OLD.account AND NEW.channel = OLD.channel AND NEW.content_hash = OLD.content_hash AND NEW.registered_at = OLD.registered_at
      AND NEW.replaces_id <=> OLD.replaces_id AND NEW.exception <=> OLD.exception) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was registered is never changed';
  END IF;
  IF OLD.state IN ('refused', 'ended', 'lapsed', 'void') AND NEW.state <> OLD.state THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what is over stays over';
  END IF;
  IF NEW.exception IS NOT NULL AND NEW.state NOT IN ('drafted', 'refused', 'ended', 'void') AND NOT EXISTS (
      SELECT 1 FROM proposal p WHERE p.id = NEW.permit_id AND p.kind = 'change-account' AND p.subject = NEW.agreement_no AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an exception is permitted by two persons';
  END IF;
END;

CREATE TRIGGER agreement_no_delete BEFORE DELETE ON agreement FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an agreement is never deleted';

-- seq is taken under the lock of counter 'agreement-journal' in the moving transaction: it grows in the order of commits without a gap, and a reader
-- that has seen n has seen all up to n.
CREATE TABLE agreement_journal (
  seq           BIGINT        NOT NULL PRIMARY KEY,
  agreement_id  BIGINT        NOT NULL,
  at            DATETIME(3)   NOT NULL,
  event         VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state         VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the state it led to',
  actor         VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a certificate''s URI, a bank, or the process',
  reason        VARCHAR(200)  NOT NULL,
  article       VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  KEY by_agreement (agreement_id, seq)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER agreement_journal_no_update BEFORE UPDATE ON agreement_journal FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is never changed';

CREATE TRIGGER agreement_journal_no_delete BEFORE DELETE ON agreement_journal FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is never changed';

INSERT INTO counter (name, next) VALUES ('agreement-journal', 1);

-- 统一的纳税档案, annex 2 §7: what a bank said it holds, and under which rule each particular is the same.
CREATE TABLE agreement_held (
  id            BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  agreement_id  BIGINT        NOT NULL,
  at            DATETIME(3)   NOT NULL,
  source        VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'in which message the bank said it',
  held          TEXT          NOT NULL COMMENT 'the particulars it named, JSON',
  comparison    TEXT          NOT NULL COMMENT 'the rule under which each is the same, or differs, JSON',
  KEY by_agreement (agreement_id, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a bank is to be told. Of one agreement the calls are made in their order, one at a time; each keeps its key until it is answered, so that a
-- bank that has it already only repeats itself.
CREATE TABLE agreement_call (
  id                BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  agreement_id      BIGINT        NOT NULL,
  bank_code         VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verb              VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content           TEXT          NOT NULL COMMENT 'what the message says beside the agreement itself, JSON',
  created_at        DATETIME(3)   NOT NULL,
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
  KEY due (next_attempt_at, bank_code),
  KEY by_agreement (agreement_id, id),
  CONSTRAINT agreement_call_open CHECK ((done_at IS NULL) = (next_attempt_at IS NOT NULL)),
  CONSTRAINT agreement_call_key CHECK ((entrust_date IS NULL) = (serial_no IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a tax system asked of an agreement beside its registration, under a number of its own: the same number and content is asked once.
CREATE TABLE agreement_order (
  tax_system    VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  order_no      VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content_hash  BINARY(32)    NOT NULL,
  said          TEXT          NOT NULL COMMENT 'the numbers of the agreements it moved, JSON',
  accepted_at   DATETIME(3)   NOT NULL,
  PRIMARY KEY (tax_system, order_no)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- 推广期批量绑定: a file of agreements, checked whole and then written in chunks; sent again after a break it goes on where it stood.
CREATE TABLE agreement_import (
  id           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tax_system   VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  import_no    VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sha256       BINARY(32)    NOT NULL COMMENT 'of the file',
  row_count    INT           NOT NULL,
  written      INT           NOT NULL DEFAULT 0 COMMENT 'rows that are in the record',
  state        VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report       MEDIUMTEXT    NOT NULL COMMENT 'what is wrong, by line, JSON',
  started_at   DATETIME(3)   NOT NULL,
  done_at      DATETIME(3)   NULL,
  UNIQUE KEY once (tax_system, import_no),
  CONSTRAINT agreement_import_state CHECK (state IN ('refused', 'writing', 'done')),
  CONSTRAINT agreement_import_done CHECK ((state = 'writing') = (done_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- 月末同步 (art. 44): what each bank is told of its agreements on the last day of a month.
CREATE TABLE agreement_sync (
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  month            CHAR(7)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  counts           TEXT         NOT NULL COMMENT 'how many in each state, JSON',
  digest           CHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 over those in force, in the order of their numbers',
  seq              BIGINT       NOT NULL COMMENT 'how far the journal was',
  made_at          DATETIME(3)  NOT NULL,
  entrust_date     DATE         NULL,
  serial_no        CHAR(8)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  attempt_no       INT          NOT NULL DEFAULT 0,
  next_attempt_at  DATETIME(3)  NULL COMMENT 'NULL: the bank has answered',
  result_code      CHAR(5)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  PRIMARY KEY (bank_code, month),
  KEY due (next_attempt_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
