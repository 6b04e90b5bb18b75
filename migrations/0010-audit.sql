-- 审计日志: who did what, as a chain. Each row holds the hash of the one before and its own over all it says, so that whatever is changed, taken out,
-- put in or cut off later is found, and where. Its head is taken away regularly and kept elsewhere: `taxlink audit head`, `taxlink audit verify`.
CREATE TABLE audit (
  seq          BIGINT       NOT NULL PRIMARY KEY COMMENT 'without gaps',
  at           DATETIME(3)  NOT NULL,
  actor        VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the URI of whoever did it',
  action       VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject      VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  office_code  VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'NULL: the province',
  detail       TEXT         NOT NULL COMMENT 'JSON, without private values',
  prev_hash    BINARY(32)   NOT NULL,
  hash         BINARY(32)   NOT NULL,
  KEY by_actor (actor, seq),
  KEY by_subject (subject, seq)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The end of the chain. Whoever adds a row locks it first, so that the order of the numbers is the order of commits.
CREATE TABLE audit_head (
  id    TINYINT     NOT NULL PRIMARY KEY,
  seq   BIGINT      NOT NULL,
  hash  BINARY(32)  NOT NULL,
  CONSTRAINT audit_head_one CHECK (id = 1)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, UNHEX(REPEAT('00', 32)));

CREATE TRIGGER audit_follows BEFORE INSERT ON audit FOR EACH ROW BEGIN
  IF NOT EXISTS (SELECT 1 FROM audit_head h WHERE h.id = 1 AND NEW.seq = h.seq + 1 AND NEW.prev_hash = h.hash) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an entry follows the one before';
  END IF;
END;

CREATE TRIGGER audit_moves AFTER INSERT ON audit FOR EACH ROW UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash WHERE id = 1;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit journal is only ever added to';

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit journal is only ever added to';

CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head FOR EACH ROW BEGIN
  IF NOT (NEW.id = 1 AND NEW.seq = OLD.seq + 1 AND EXISTS (SELECT 1 FROM audit a WHERE a.seq = NEW.seq AND a.hash = NEW.hash)) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the head of the audit journal moves with its entries';
  END IF;
END;

CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the head of the audit journal stays';
