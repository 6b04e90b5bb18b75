-- 对账文件 (art. 35): what banks send of a bank day. The bytes lie in the spool under their SHA-256 and are there before the row is; the row says
-- whose they are, what became of them and why. A file is refused whole or counts whole, and nothing of it is ever overwritten.

-- One version of the file of a session. The first is made by whoever is first, the bank or the gateway; each later one only by the gateway asking.
CREATE TABLE recon_version (
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL,
  session          SMALLINT     NOT NULL COMMENT '对账场次, within the bank day',
  version          SMALLINT     NOT NULL,
  opened_at        DATETIME(3)  NOT NULL,
  complete_at      DATETIME(3)  NULL COMMENT 'when all chunks were there and agreed; the newest that is complete is the file of the session',
  PRIMARY KEY (bank_code, accounting_date, session, version),
  CONSTRAINT recon_version_number CHECK (session BETWEEN 1 AND 99 AND version BETWEEN 1 AND 99)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE recon_file (
  id                BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  bank_code         VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'who sent it, by certificate or directory',
  name              VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date   DATE         NULL COMMENT 'with session and chunk, what the name says; NULL: it is no name',
  session           SMALLINT     NULL,
  chunk             SMALLINT     NULL,
  version           SMALLINT     NULL COMMENT 'the one that was awaited when it came',
  came_by           VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bytes             BIGINT       NOT NULL COMMENT 'unpacked',
  sha256            BINARY(32)   NULL COMMENT 'of the unpacked bytes; NULL: refused unread',
  state             VARCHAR(10)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chunks            SMALLINT     NULL COMMENT 'from here to whole_credit_sum, what the file says, once it was checked',
  work_date         DATE         NULL,
  line_count        INT          NULL,
  debit_sum         BIGINT       NULL,
  credit_sum        BIGINT       NULL,
  whole_count       INT          NULL COMMENT 'of all chunks, as its header says',
  whole_debit_sum   BIGINT       NULL,
  whole_credit_sum  BIGINT       NULL,
  fault             TEXT         NULL COMMENT 'why it is refused, JSON: rule, line, byte',
  of_set            BOOLEAN      NOT NULL DEFAULT FALSE COMMENT 'refused with the other chunks: the same bytes may come again',
  received_at       DATETIME(3)  NOT NULL,
  ended_at          DATETIME(3)  NULL COMMENT 'refused, complete or superseded',
  answered_at       DATETIME(3)  NULL COMMENT 'when the receipt lay in the directory it came by',
  repeats           INT          NOT NULL DEFAULT 0,
  lease_owner       VARCHAR(60)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'who checks it',
  lease_until       DATETIME(3)  NULL,
  -- What was refused leaves its place to what comes in its stead.
  live              TINYINT      AS (IF(state = 'refused', NULL, 1)) STORED,
  UNIQUE KEY one_live_chunk (bank_code, accounting_date, session, version, chunk, live),
  KEY by_name (bank_code, name),
  KEY by_digest (sha256),
  KEY open_first (state, came_by, answered_at),
  CONSTRAINT recon_file_way CHECK (came_by IN ('upload', 'sftp', 'folder')),
  CONSTRAINT recon_file_state CHECK (state IN ('received', 'checked', 'complete', 'refused', 'superseded')),
  CONSTRAINT recon_file_named CHECK (state = 'refused' OR (accounting_date IS NOT NULL AND session IS NOT NULL AND version IS NOT NULL
    AND chunk IS NOT NULL AND sha256 IS NOT NULL)),
  CONSTRAINT recon_file_fault CHECK ((state = 'refused') = (fault IS NOT NULL)),
  CONSTRAINT recon_file_said CHECK (state IN ('received', 'refused') OR (chunk BETWEEN 1 AND chunks AND work_date IS NOT NULL AND line_count >= 0 AND debit_sum >= 0 AND credit_sum >= 0)),
  CONSTRAINT recon_file_ended CHECK ((state IN ('received', 'checked')) = (ended_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER recon_file_frozen BEFORE UPDATE ON recon_file FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.bank_code = OLD.bank_code AND NEW.name = OLD.name AND NEW.accounting_date <=> OLD.accounting_date AND NEW.session <=> OLD.session
      AND NEW.version <=> OLD.version AND NEW.chunk <=> OLD.chunk AND (OLD.chunks IS NULL OR NEW.chunks <=> OLD.chunks) AND NEW.bytes = OLD.bytes AND NEW.sha256 <=> OLD.sha256
      AND NEW.received_at = OLD.received_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was received is never changed';
  END IF;
  IF OLD.state IN ('refused', 'superseded') AND NEW.state <> OLD.state THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a file that was refused or superseded stays so';
  END IF;
  IF OLD.state = 'complete' AND NEW.state NOT IN ('complete', 'superseded') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a file that counts is only superseded';
  END IF;
END;

CREATE TRIGGER recon_file_no_delete BEFORE DELETE ON recon_file FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a file is never deleted';

-- 明细文件请求: the gateway asks a bank for the file of a session, the first time or again, and says why. The message itself is told like all others.
CREATE TABLE recon_request (
  id               BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  asked_by         VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a person, or the session',
  order_no         VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'given by who asks: the same number is the same request',
  bank_code        VARCHAR(4)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accounting_date  DATE         NOT NULL,
  session          SMALLINT     NOT NULL,
  version          SMALLINT     NOT NULL COMMENT 'the version that is to come',
  work_date        DATE         NOT NULL,
  kind             VARCHAR(6)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason           VARCHAR(200) NOT NULL,
  asked_at         DATETIME(3)  NOT NULL,
  UNIQUE KEY once (asked_by, order_no),
  UNIQUE KEY one_a_version (bank_code, accounting_date, session, version),
  CONSTRAINT recon_request_kind CHECK (kind IN ('first', 'resend') AND (kind = 'first') = (version = 1)),
  CONSTRAINT recon_request_version FOREIGN KEY (bank_code, accounting_date, session, version) REFERENCES recon_version (bank_code, accounting_date, session, version)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
