-- 双人复核: what nobody may do alone. One person proposes it with evidence, another approves exactly what was proposed; what the approval does
-- is done in the same transaction. The checks and triggers hold against plain SQL too: an account that may only read and write rows cannot
-- approve its own proposal, change what was proposed, decide twice, or make any of it unseen.
CREATE TABLE proposal (
  id              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind            VARCHAR(40)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject         VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what it is about: a bank, the key of an instruction, a ticket',
  ticket_no       CHAR(18)      CHARACTER SET ascii COLLATE ascii_bin NULL,
  instruction_id  BIGINT        NULL COMMENT 'the instruction it is about, where it is about one',
  order_no        VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'given by the proposer: the same number is the same proposal',
  content         TEXT          NOT NULL COMMENT 'JSON, frozen',
  evidence        TEXT          NOT NULL COMMENT 'on what it rests: letters, statements, calls',
  content_hash    BINARY(32)    NOT NULL COMMENT 'SHA-256 of kind, content and evidence',
  proposed_by     VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the URI of a certificate',
  proposed_at     DATETIME(3)   NOT NULL,
  expires_at      DATETIME(3)   NOT NULL,
  state           VARCHAR(12)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'proposed',
  decided_by      VARCHAR(80)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'nobody, where it expired',
  decided_at      DATETIME(3)   NULL,
  seen_hash       BINARY(32)    NULL COMMENT 'the hash of what the approver saw',
  reason          VARCHAR(200)  NULL COMMENT 'of the decision',
  -- Two open proposals about one thing would be two answers to one question.
  live            TINYINT       AS (IF(state = 'proposed', 1, NULL)) STORED,
  UNIQUE KEY one_order (proposed_by, order_no),
  UNIQUE KEY one_live_proposal (kind, subject, live),
  KEY by_end (live, expires_at),
  KEY by_instruction (instruction_id),
  CONSTRAINT proposal_state CHECK (state IN ('proposed', 'approved', 'rejected', 'withdrawn', 'expired')),
  CONSTRAINT proposal_time CHECK (expires_at > proposed_at AND (decided_at IS NULL OR decided_at >= proposed_at)),
  CONSTRAINT proposal_about CHECK ((ticket_no IS NULL) = (instruction_id IS NULL)),
  CONSTRAINT proposal_evidence CHECK (CHAR_LENGTH(evidence) BETWEEN 1 AND 2000),
  CONSTRAINT proposal_decided CHECK ((state = 'proposed') = (decided_at IS NULL)),
  CONSTRAINT proposal_persons CHECK (CASE state
    WHEN 'approved' THEN decided_by IS NOT NULL AND decided_by <> proposed_by
    WHEN 'rejected' THEN decided_by IS NOT NULL AND decided_by <> proposed_by
    WHEN 'withdrawn' THEN decided_by IS NOT NULL AND decided_by = proposed_by
    ELSE decided_by IS NULL END),
  CONSTRAINT proposal_seen CHECK (IF(state = 'approved',
    seen_hash IS NOT NULL AND seen_hash = content_hash AND decided_at < expires_at, seen_hash IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER proposal_begins BEFORE INSERT ON proposal FOR EACH ROW BEGIN
  IF NEW.state <> 'proposed' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a proposal begins as proposed';
  END IF;
END;

CREATE TRIGGER proposal_frozen BEFORE UPDATE ON proposal FOR EACH ROW BEGIN
  IF OLD.state <> 'proposed' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decided proposal is never changed';
  END IF;
  IF NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.subject = OLD.subject AND NEW.ticket_no <=> OLD.ticket_no AND NEW.instruction_id <=> OLD.instruction_id AND NEW.order_no = OLD.order_no
      AND NEW.content = OLD.content AND NEW.evidence = OLD.evidence AND NEW.content_hash = OLD.content_hash
      AND NEW.proposed_by = OLD.proposed_by AND NEW.proposed_at = OLD.proposed_at AND NEW.expires_at = OLD.expires_at) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was proposed is never changed';
  END IF;
END;

CREATE TRIGGER proposal_no_delete BEFORE DELETE ON proposal FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a proposal is never deleted';

-- 停用: a bank that gets no more debits until it is resumed. Each is begun by one approved proposal and ended by another.
CREATE TABLE bank_halt (
  proposal_id  BIGINT        NOT NULL PRIMARY KEY COMMENT 'of two persons, to halt',
  bank_code    VARCHAR(4)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason       VARCHAR(200)  NOT NULL COMMENT 'told to whoever orders a debit',
  halted_at    DATETIME(3)   NOT NULL,
  resume_id    BIGINT        NULL COMMENT 'the proposal of two persons, to resume',
  resumed_at   DATETIME(3)   NULL,
  live         TINYINT       AS (IF(resumed_at IS NULL, 1, NULL)) STORED,
  UNIQUE KEY one_live_halt (bank_code, live),
  UNIQUE KEY one_resume (resume_id),
  CONSTRAINT bank_halt_proposal FOREIGN KEY (proposal_id) REFERENCES proposal (id),
  CONSTRAINT bank_halt_resume FOREIGN KEY (resume_id) REFERENCES proposal (id),
  CONSTRAINT bank_halt_ended CHECK ((resume_id IS NULL) = (resumed_at IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER bank_halt_begins BEFORE INSERT ON bank_halt FOR EACH ROW BEGIN
  IF NEW.resume_id IS NOT NULL OR NOT EXISTS (
      SELECT 1 FROM proposal p WHERE p.id = NEW.proposal_id AND p.kind = 'halt-bank' AND p.subject = NEW.bank_code AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a bank is halted by two persons';
  END IF;
END;

CREATE TRIGGER bank_halt_ends BEFORE UPDATE ON bank_halt FOR EACH ROW BEGIN
  IF OLD.resume_id IS NOT NULL OR NEW.proposal_id <> OLD.proposal_id OR NEW.bank_code <> OLD.bank_code OR NEW.reason <> OLD.reason
      OR NEW.halted_at <> OLD.halted_at OR NEW.resumed_at < OLD.halted_at OR NOT EXISTS (
      SELECT 1 FROM proposal p WHERE p.id = NEW.resume_id AND p.kind = 'resume-bank' AND p.subject = NEW.bank_code AND p.state = 'approved') THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a bank is resumed by two persons';
  END IF;
END;

CREATE TRIGGER bank_halt_no_delete BEFORE DELETE ON bank_halt FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a halt is never deleted';
