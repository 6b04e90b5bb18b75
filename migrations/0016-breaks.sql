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
