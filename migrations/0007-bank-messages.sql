-- 银行主动发来的报文: what a bank tells of its own accord, as the gateway took it in. It is written before anything is done about it, so that the same
-- again gets the same receipt and another content under the same key is seen. Nothing of it is ever changed but the receipt, once, and the counts.
CREATE TABLE bank_message (
  id              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  bank_code       CHAR(4)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verb            VARCHAR(20)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The key is the bank's own.
  office_code     VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entrust_date    DATE          NOT NULL,
  serial_no       CHAR(8)       CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content_hash    BINARY(32)    NOT NULL COMMENT 'SHA-256 of the content, whatever the dialect',
  transcript      TEXT          NOT NULL COMMENT 'JSON, private fields masked',
  received_at     DATETIME(3)   NOT NULL,
  result_code     CHAR(5)       CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the receipt; none yet: it is to be done',
  answered_at     DATETIME(3)   NULL,
  repeats         INT           NOT NULL DEFAULT 0 COMMENT 'how often the same came again',
  contradictions  INT           NOT NULL DEFAULT 0 COMMENT 'how often the same key came with another content',
  seen_at         DATETIME(3)   NOT NULL COMMENT 'when the key was last seen',
  UNIQUE KEY one_message (bank_code, verb, office_code, entrust_date, serial_no),
  KEY by_time (received_at),
  CONSTRAINT bank_message_verb CHECK (verb IN ('bindingResult', 'bindingNotice')),
  CONSTRAINT bank_message_answered CHECK ((result_code IS NULL) = (answered_at IS NULL)),
  CONSTRAINT bank_message_time CHECK (seen_at >= received_at AND (answered_at IS NULL OR answered_at >= received_at))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER bank_message_frozen BEFORE UPDATE ON bank_message FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.bank_code = OLD.bank_code AND NEW.verb = OLD.verb AND NEW.office_code = OLD.office_code
      AND NEW.entrust_date = OLD.entrust_date AND NEW.serial_no = OLD.serial_no AND NEW.content_hash = OLD.content_hash
      AND NEW.transcript = OLD.transcript AND NEW.received_at = OLD.received_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank said is never changed';
  END IF;
  IF OLD.result_code IS NOT NULL AND NOT (NEW.result_code <=> OLD.result_code AND NEW.answered_at <=> OLD.answered_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a receipt is given once';
  END IF;
END;

CREATE TRIGGER bank_message_no_delete BEFORE DELETE ON bank_message FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank said is never deleted';
