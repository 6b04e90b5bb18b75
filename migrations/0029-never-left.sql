-- What is to be told no more is withdrawn as long as the bank cannot have it. Counted is what certainly never left, so that whatever an older process tells
-- beside this one, and whatever was told before, is something the bank may have.
ALTER TABLE bank_call ADD COLUMN undelivered INT NOT NULL DEFAULT 0 COMMENT 'of the attempts, those of which certainly no byte left us';

DROP TRIGGER bank_call_frozen;

CREATE TRIGGER bank_call_frozen BEFORE UPDATE ON bank_call FOR EACH ROW BEGIN
  IF NOT (NEW.id = OLD.id AND NEW.bank_code = OLD.bank_code AND NEW.office_code = OLD.office_code AND NEW.verb = OLD.verb
      AND NEW.subject = OLD.subject AND NEW.content = OLD.content AND NEW.made_at = OLD.made_at AND NEW.telling = OLD.telling
      AND NEW.ordered_by <=> OLD.ordered_by AND NEW.order_reason <=> OLD.order_reason) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank is to be told is never changed';
  END IF;
  IF OLD.serial_no IS NOT NULL AND NOT (NEW.serial_no <=> OLD.serial_no AND NEW.entrust_date <=> OLD.entrust_date) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a message keeps its key';
  END IF;
  IF NEW.undelivered > NEW.attempt_no OR NEW.undelivered < OLD.undelivered THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'only an attempt that was made can have failed to leave';
  END IF;
  IF OLD.done_at IS NOT NULL AND NOT (NEW.done_at <=> OLD.done_at AND NEW.next_attempt_at <=> OLD.next_attempt_at
      AND NEW.entrust_date <=> OLD.entrust_date AND NEW.serial_no <=> OLD.serial_no AND NEW.attempt_no = OLD.attempt_no
      AND NEW.undelivered = OLD.undelivered AND NEW.lease_owner <=> OLD.lease_owner AND NEW.result_code <=> OLD.result_code
      AND NEW.bank_result_code <=> OLD.bank_result_code AND NEW.bank_text <=> OLD.bank_text AND NEW.fault <=> OLD.fault
      AND NEW.transcript <=> OLD.transcript) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'what a bank has answered is over';
  END IF;
END;
