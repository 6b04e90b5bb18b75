-- 登录: password and second factor of an account, and by which decision of two administrators it stands as it does.
ALTER TABLE operator
  ADD COLUMN password_hash  VARCHAR(200)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'argon2id; NULL: not enrolled, a certificate only',
  ADD COLUMN totp_secret    VARBINARY(80)  NULL COMMENT 'AES-256-GCM under a key that is not in the database',
  ADD COLUMN totp_step      BIGINT         NOT NULL DEFAULT 0 COMMENT 'the step of the last code taken: each is good once',
  ADD COLUMN failures       INT            NOT NULL DEFAULT 0 COMMENT 'in a row',
  ADD COLUMN locked_until   DATETIME(3)    NULL,
  ADD COLUMN proposal_id    BIGINT         NULL COMMENT 'of the last change; NULL: made at the command line before there were two administrators',
  ADD CONSTRAINT operator_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id);

-- Until two administrators are there, accounts are made at the command line; from then on two of them do it.
CREATE TRIGGER operator_begins BEFORE INSERT ON operator FOR EACH ROW BEGIN
  IF NEW.proposal_id IS NULL THEN
    IF (SELECT COUNT(*) FROM operator o WHERE o.state = 'enabled' AND FIND_IN_SET('administrator', o.duties) > 0) >= 2 THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is made by two administrators';
    END IF;
  ELSEIF NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'add-operator' AND p.subject = NEW.name AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is made by two administrators';
  END IF;
END;

CREATE TRIGGER operator_changes BEFORE UPDATE ON operator FOR EACH ROW BEGIN
  IF NEW.name <> OLD.name OR NEW.created_at <> OLD.created_at THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the name of an account is never changed';
  END IF;
  IF NOT (NEW.display_name = OLD.display_name AND NEW.office_code = OLD.office_code AND NEW.duties = OLD.duties AND NEW.state = OLD.state)
      AND (NEW.proposal_id <=> OLD.proposal_id OR NOT EXISTS (
      SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'change-operator' AND p.subject = NEW.name AND p.state = 'approved')) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is changed by two administrators';
  END IF;
END;

CREATE TRIGGER operator_no_delete BEFORE DELETE ON operator FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an account is disabled, never deleted';

-- 登记口令: after two administrators have made or reset an account, each hands its person one of two codes; with both the person chooses a password.
-- So none of the administrators can sign in as somebody else.
CREATE TABLE enrolment (
  proposal_id    BIGINT       NOT NULL PRIMARY KEY,
  name           VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  proposed_by    VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approved_by    VARCHAR(80)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  proposer_hash  BINARY(32)   NULL COMMENT 'SHA-256 of the proposer’s code',
  approver_hash  BINARY(32)   NULL COMMENT 'SHA-256 of the approver’s code',
  failures       INT          NOT NULL DEFAULT 0,
  expires_at     DATETIME(3)  NOT NULL,
  used_at        DATETIME(3)  NULL,
  KEY by_name (name, proposal_id),
  CONSTRAINT enrolment_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id),
  CONSTRAINT enrolment_operator FOREIGN KEY (name) REFERENCES operator (name),
  CONSTRAINT enrolment_persons CHECK (proposed_by <> approved_by),
  CONSTRAINT enrolment_used CHECK (used_at IS NULL OR (proposer_hash IS NOT NULL AND approver_hash IS NOT NULL AND proposer_hash <> approver_hash))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER enrolment_begins BEFORE INSERT ON enrolment FOR EACH ROW BEGIN
  IF NEW.used_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind IN ('add-operator', 'reset-operator')
      AND p.subject = NEW.name AND p.state = 'approved' AND p.proposed_by = NEW.proposed_by AND p.decided_by = NEW.approved_by) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an enrolment follows a decision of two administrators';
  END IF;
END;

CREATE TRIGGER enrolment_changes BEFORE UPDATE ON enrolment FOR EACH ROW BEGIN
  IF OLD.used_at IS NOT NULL OR NEW.proposal_id <> OLD.proposal_id OR NEW.name <> OLD.name OR NEW.proposed_by <> OLD.proposed_by
      OR NEW.approved_by <> OLD.approved_by OR NEW.expires_at <> OLD.expires_at OR NEW.used_at >= OLD.expires_at THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an enrolment is used once, in its time, by whom it was for';
  END IF;
END;

CREATE TRIGGER enrolment_no_delete BEFORE DELETE ON enrolment FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an enrolment is never deleted';

-- 会话: known by the hash of a token that only the browser has.
CREATE TABLE operator_session (
  token_hash  BINARY(32)   NOT NULL PRIMARY KEY,
  name        VARCHAR(40)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  begun_at    DATETIME(3)  NOT NULL,
  seen_at     DATETIME(3)  NOT NULL,
  ends_at     DATETIME(3)  NOT NULL,
  KEY by_name (name),
  KEY by_end (ends_at),
  CONSTRAINT operator_session_of FOREIGN KEY (name) REFERENCES operator (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
