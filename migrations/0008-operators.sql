-- 机关: the level of each office and the one above it. Versions of the data file from before this have neither; their offices are nobody's.
ALTER TABLE office
  ADD COLUMN level   VARCHAR(10)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN parent  VARCHAR(12)  CHARACTER SET ascii COLLATE ascii_bin NULL;

-- 操作员: the accounts of the persons who work with the gateway. A certificate alone opens nothing: its name must be that of an account.
CREATE TABLE operator (
  name          VARCHAR(40)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'the last part of urn:taxlink:operator:…',
  display_name  VARCHAR(60)   NOT NULL,
  office_code   VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'its subtree is what the person sees',
  duties        VARCHAR(120)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'words, with a comma between',
  state         VARCHAR(10)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'enabled',
  created_at    DATETIME(3)   NOT NULL,
  CONSTRAINT operator_name CHECK (name REGEXP '^[a-z0-9-]{1,40}$'),
  CONSTRAINT operator_state CHECK (state IN ('enabled', 'disabled'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Whose office a proposal is about: who does not see that office neither proposes nor decides. NULL: the whole province.
ALTER TABLE proposal ADD COLUMN office_code VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NULL;

DROP TRIGGER proposal_frozen;

CREATE TRIGGER proposal_frozen BEFORE UPDATE ON proposal FOR EACH ROW BEGIN
  IF OLD.state <> 'proposed' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decided proposal is never changed';
  END IF;
  IF NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.subject = OLD.subject AND NEW.ticket_no <=> OLD.ticket_no AND NEW.instruction_id <=> OLD.instruction_id AND NEW.order_no = OLD.order_no
      AND NEW.content = OLD.content AND NEW.evidence = OLD.evidence AND NEW.content_hash = OLD.content_hash
      AND NEW.proposed_by = OLD.proposed_by AND NEW.proposed_at = OLD.proposed_at AND NEW.expires_at = OLD.expires_at AND NEW.office_code <=> OLD.office_code) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was proposed is never changed';
  END IF;
END;
