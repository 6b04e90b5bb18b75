-- 提出了结时该指令最近一次发送的时间: whether it was sent again since is told by this, and not by clocks of two processes that need not agree.
ALTER TABLE proposal ADD COLUMN sent_at DATETIME(3) NULL COMMENT 'when the instruction it is about had last been sent, as the proposer found it';

DROP TRIGGER proposal_frozen;

CREATE TRIGGER proposal_frozen BEFORE UPDATE ON proposal FOR EACH ROW BEGIN
  IF OLD.state <> 'proposed' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decided proposal is never changed';
  END IF;
  IF NOT (NEW.id = OLD.id AND NEW.kind = OLD.kind AND NEW.subject = OLD.subject AND NEW.ticket_no <=> OLD.ticket_no AND NEW.instruction_id <=> OLD.instruction_id
      AND NEW.sent_at <=> OLD.sent_at AND NEW.order_no = OLD.order_no
      AND NEW.content = OLD.content AND NEW.evidence = OLD.evidence AND NEW.content_hash = OLD.content_hash
      AND NEW.proposed_by = OLD.proposed_by AND NEW.proposed_at = OLD.proposed_at AND NEW.expires_at = OLD.expires_at AND NEW.office_code <=> OLD.office_code) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what was proposed is never changed';
  END IF;
END;
